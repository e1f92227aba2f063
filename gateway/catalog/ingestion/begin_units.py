"""Begin the units of a batch: skip duplicates, and bind sources of the others to placeholders."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.bind_sources import (
    bind_sequence_videos,
    bind_sources,
    claim_placeholders,
    member_errors,
    source_errors,
)
from gateway.catalog.ingestion.duplicates import existing_items, upsert_metadata
from gateway.catalog.ingestion.into_items import target_errors
from gateway.catalog.ingestion.job_state import (
    UnitEnd,
    end_units,
    lock_job,
)
from gateway.catalog.ingestion.unit_plan import UnitPlan, from_spec, to_spec
from gateway.catalog.jobs import TERMINAL, folder_of
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError
from gateway.kinds.enums import JobStatus, SiteRole
from gateway.models.folders import FolderRecord, folders
from gateway.models.jobs import JobRecord, jobs
from gateway.models.people import users
from gateway.models.uploads import UploadUnitRecord, upload_units


class _Starter(NamedTuple):
    uuid: UUID
    site_role: SiteRole


async def begin_units(
    services: Services, job_uuid: UUID, units: Sequence[UploadUnitRecord]
) -> dict[UUID, str]:
    """Skip or bind units that have not been begun, and return why the others failed, by unit.

    If the job skips duplicates, its folder is locked: of two jobs that look for duplicates in a
    folder, the second sees what the first created. Units with the same URL are begun one after the
    other, for the same reason.
    """
    if not units:
        return {}
    folder = (
        sa.select(folders.c.uuid)
        .join(jobs, jobs.c.folder_uuid == folders.c.uuid)
        .where(jobs.c.uuid == job_uuid, jobs.c.skip_duplicate_urls)
        .with_for_update(key_share=True, of=folders)
    )
    errors: dict[UUID, str] = {}
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await transaction.rows(folder, FolderRecord)
        job = await lock_job(transaction, job_uuid)
        # Another worker may have begun or ended some since they were read.
        unbegun = sa.select(upload_units.c.uuid).where(
            in_keys(upload_units.c.uuid, [unit.uuid for unit in units]),
            upload_units.c.status == JobStatus.PENDING,
            ~upload_units.c.is_bound,
        )
        rows = await transaction.rows(unbegun, UploadUnitRecord)
        uuids = {row.uuid for row in rows}
        remaining = [unit for unit in units if unit.uuid in uuids]
        validator = await load_metadata_validator(transaction, services.settings)
        while remaining and job and job.status not in TERMINAL:
            batch = {unit.uuid.hex: unit for unit in remaining}
            if job.skip_duplicate_urls:
                batch = {}
                for unit in remaining:
                    sources = unit.spec["sources"]
                    url = sources[0]["object_url"] if len(sources) == 1 else None
                    batch.setdefault(url or unit.uuid.hex, unit)
            chosen = {unit.uuid for unit in batch.values()}
            remaining = [unit for unit in remaining if unit.uuid not in chosen]
            batch_errors = await _begin_batch(transaction, job, [*batch.values()], validator)
            errors |= batch_errors
            job = await lock_job(transaction, job_uuid)
    return errors


async def starter_of(transaction: Transaction, job: JobRecord) -> Viewer:
    """Return the viewer as whom units are begun: the starter with their current permissions.

    Without the starter, there are none. A job sees no more than the credential that started it.
    """
    same = sa.select(users.c.uuid, users.c.site_role).where(users.c.uuid == job.user_uuid)
    starter = await transaction.first(same, _Starter) or (UUID(int=0), SiteRole.MEMBER)
    return Viewer(*starter, sees_phi=job.sees_phi, tree_uuid=job.tree_uuid)


async def _begin_batch(
    transaction: Transaction,
    job: JobRecord,
    units: Sequence[UploadUnitRecord],
    validator: MetadataValidator,
) -> dict[UUID, str]:
    """Skip or bind units, whose URLs are distinct if duplicates are skipped."""
    plans: dict[UUID, UnitPlan] = {}
    errors: dict[UUID, str] = {}
    for index, unit in enumerate(units):
        plan = from_spec(unit.spec, unit.title, index)
        if error := validator.error(plan.item_metadata, "clientMetadata"):
            errors[unit.uuid] = unit_error(unit, error)
        else:
            plans[unit.uuid] = plan
    if job.skip_duplicate_urls:
        await _skip_duplicates(transaction, job, plans)
    viewer = await starter_of(transaction, job)
    sources = [source for plan in plans.values() for source in plan.sources]
    members = [member for plan in plans.values() for member in plan.members]
    binding_errors = await member_errors(transaction, viewer, folder_of(job), members)
    binding_errors += await target_errors(transaction, viewer, folder_of(job), plans.values())
    binding_errors += await source_errors(
        transaction, viewer, folder_of(job), sources, plans.keys()
    )
    for error in binding_errors:
        unit, inner = units[int(error.path[0])], error.path[1:]
        errors[unit.uuid] = unit_error(unit, DomainError(error.code, error.message, inner))
    plans = {uuid: plan for uuid, plan in plans.items() if uuid not in errors}
    await _bind_plans(transaction, viewer, job, plans)
    bound = {
        unit.uuid: {
            "spec": to_spec(plans[unit.uuid], unit.spec.get("entry")),
            "item_uuid": plans[unit.uuid].item_uuid,
            "is_bound": True,
        }
        for unit in units
        if unit.uuid in plans
    }
    await set_columns(transaction, upload_units, bound)
    return errors


async def _bind_plans(
    transaction: Transaction, viewer: Viewer, job: JobRecord, plans: Mapping[UUID, UnitPlan]
) -> None:
    """Give the sources of units their placeholders, which the units claim."""
    unclaimed = [(uuid, plan) for uuid, plan in plans.items() if not _is_of_urls(plan)]
    sources = []
    for uuid, plan in plans.items():
        for source in plan.sources:
            source.unit_uuid = uuid
            sources.append(source)
    await bind_sources(
        transaction, viewer, job.user_uuid, folder_of(job), sources, job.integration_uuid
    )
    await bind_sequence_videos(transaction, job.user_uuid, folder_of(job), plans.values())
    await claim_placeholders(transaction, unclaimed)


def _is_of_urls(plan: UnitPlan) -> bool:
    """Return whether all its placeholders are yet to be created, for sources that are URLs."""
    return not plan.needs_video and not plan.placeholder_uuids


async def _skip_duplicates(
    transaction: Transaction, job: JobRecord, plans: dict[UUID, UnitPlan]
) -> None:
    """End the units whose items exist already, and remove them from the plans."""
    existing = await existing_items(transaction, folder_of(job), plans)
    if not existing:
        return
    if job.upsert_metadata:
        metadata = {item: plans[unit].item_metadata for unit, item in existing.items()}
        await upsert_metadata(transaction, job.user_uuid, metadata)
    ends = {unit: UnitEnd(JobStatus.DONE, item, is_skipped=True) for unit, item in existing.items()}
    await end_units(transaction, job, ends)
    for unit in existing:
        del plans[unit]


def unit_error(unit: UploadUnitRecord, error: DomainError) -> str:
    """Return the message of an error, preceded by its place if the unit is from a manifest."""
    entry = unit.spec.get("entry")
    inner = "".join(f".{step}" for step in error.path)
    return f"{entry}{inner}: {error.message}" if entry else error.message
