"""Units are begun when their turn comes: those that are there already are skipped, the others get placeholders."""

from collections.abc import Mapping, Sequence
from typing import Any
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
from gateway.catalog.ingestion.job_state import UnitEnd, end_units, locked_job
from gateway.catalog.ingestion.unit_plan import UnitPlan, from_spec, to_spec
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.engine import Transaction
from gateway.errors import DomainError
from gateway.events.base import Events
from gateway.kinds.enums import JobStatus, SiteRole
from gateway.models.folders import folders
from gateway.models.people import users
from gateway.models.uploads import upload_jobs, upload_units

Plans = dict[UUID, UnitPlan]


async def begin_units(
    transaction: Transaction,
    events: Events,
    job: Any,
    units: Sequence[Any],
    terms: MetadataValidator,
) -> dict[UUID, str]:
    """Bind the sources of unbound units of a held job; what is wrong with those that could not be bound, by unit."""
    faults: dict[UUID, str] = {}
    remaining = list(units)
    while remaining:
        present, remaining = (
            _first_of_each_url(remaining) if job.skip_duplicate_urls else (remaining, [])
        )
        faults |= await _begin(transaction, events, job, present, terms)
        job = await locked_job(transaction, job.uuid)
    return faults


async def _begin(
    transaction: Transaction,
    events: Events,
    job: Any,
    units: Sequence[Any],
    terms: MetadataValidator,
) -> dict[UUID, str]:
    plans = {unit.uuid: from_spec(unit.spec, unit.title, place) for place, unit in enumerate(units)}
    faults = {
        unit.uuid: unit_error(unit, fault)
        for unit in units
        if (fault := terms.error(_metadata(plans[unit.uuid]), "clientMetadata"))
    }
    plans = {uuid: plan for uuid, plan in plans.items() if uuid not in faults}
    if job.skip_duplicate_urls:
        plans = await _skip(transaction, events, job, plans)
    viewer = await _starter(transaction, job.user_uuid)
    sources = [source for plan in plans.values() for source in plan.sources]
    members = [member for plan in plans.values() for member in plan.members]
    found = await member_errors(transaction, viewer, members)
    found += await source_errors(transaction, viewer, job.folder_uuid, sources, plans.keys())
    for fault in found:
        unit = units[int(fault.path[0])]
        faults[unit.uuid] = unit_error(unit, DomainError(fault.code, fault.message, fault.path[1:]))
    sound = {uuid: plan for uuid, plan in plans.items() if uuid not in faults}
    bound = [source for plan in sound.values() for source in plan.sources]
    await bind_sources(
        transaction, viewer, job.user_uuid, job.folder_uuid, bound, job.integration_uuid
    )
    await bind_sequence_videos(transaction, job.user_uuid, job.folder_uuid, sound.values())
    await claim_placeholders(transaction, list(sound.items()))
    await _write(transaction, sound, {unit.uuid: unit.spec.get("entry") for unit in units})
    return faults


async def lock_folder(transaction: Transaction, job_uuid: UUID) -> None:
    """Of two jobs that look for duplicates in a folder at once, the second waits for what the first brings."""
    mine = sa.and_(upload_jobs.c.uuid == job_uuid, upload_jobs.c.skip_duplicate_urls)
    held = (
        sa.select(folders.c.uuid)
        .join(upload_jobs, upload_jobs.c.folder_uuid == folders.c.uuid)
        .where(mine)
    )
    await transaction.rows(held.with_for_update(key_share=True, of=folders))


async def _skip(transaction: Transaction, events: Events, job: Any, plans: Plans) -> Plans:
    """End the units whose items are there already; the others."""
    present = await existing_items(transaction, job.folder_uuid, plans)
    if job.upsert_metadata:
        metadata = {item_uuid: _metadata(plans[uuid]) for uuid, item_uuid in present.items()}
        await upsert_metadata(transaction, job.user_uuid, metadata)
    if present:
        ends = {
            uuid: UnitEnd(JobStatus.DONE, item_uuid, is_skipped=True)
            for uuid, item_uuid in present.items()
        }
        await end_units(transaction, events, job, ends)
    return {uuid: plan for uuid, plan in plans.items() if uuid not in present}


def _first_of_each_url(units: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The first unit for each URL, and those that find its item there when they are begun after it."""
    first: dict[str, Any] = {}
    for unit in units:
        urls = [source["object_url"] or unit.uuid.hex for source in unit.spec["sources"]]
        first.setdefault(urls[0] if len(urls) == 1 else unit.uuid.hex, unit)
    chosen = {unit.uuid for unit in first.values()}
    return [unit for unit in units if unit.uuid in chosen], [
        unit for unit in units if unit.uuid not in chosen
    ]


def unit_error(unit: Any, fault: DomainError) -> str:
    """What is said of a unit, by the name of its entry if it comes from a manifest; the path of a fault is in it."""
    entry, inner = unit.spec.get("entry"), "".join(f".{step}" for step in fault.path)
    return f"{entry}{inner}: {fault.message}" if entry else fault.message


def _metadata(plan: UnitPlan) -> dict[str, Any] | None:
    return plan.client_metadata if plan.is_group else plan.sources[0].client_metadata


async def _starter(transaction: Transaction, user_uuid: UUID | None) -> Viewer:
    """Who started the job, as he is now; somebody who sees nothing if he is gone."""
    user = await transaction.first(
        sa.select(users.c.uuid, users.c.site_role).where(users.c.uuid == user_uuid)
    )
    return Viewer(user.uuid, user.site_role) if user else Viewer(UUID(int=0), SiteRole.MEMBER)


async def _write(
    transaction: Transaction, plans: Plans, entries: Mapping[UUID, str | None]
) -> None:
    if not plans:
        return
    unit = upload_units.c.uuid == sa.bindparam("unit", type_=upload_units.c.uuid.type)
    values = [
        {
            "unit": uuid,
            "spec": {"entry": entries[uuid], **to_spec(plan)},
            "item_uuid": plan.item_uuid,
            "is_bound": True,
        }
        for uuid, plan in plans.items()
    ]
    await transaction.execute(sa.update(upload_units).where(unit), values)
