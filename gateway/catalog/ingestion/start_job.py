"""Starting an upload job: what it names is checked, its units are written, and its first turns are enqueued."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.bind_sources import claim_placeholders, member_errors, source_errors
from gateway.catalog.ingestion.unit_plan import UnitPlan, to_spec
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.engine import SLICE, Transaction
from gateway.errors import DomainError, DomainErrors
from gateway.models.base import new_row
from gateway.models.uploads import UploadJobRecord, UploadUnitRecord, upload_jobs, upload_units
from gateway.queues.base import Queue


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a job goes about its units, the name of the manifest that they come from, if any, and the integration in
    which their URLs lie, and the dataset that is to use what it makes."""

    ignore_errors: bool = False
    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False
    file_name: str | None = None
    integration_uuid: UUID | None = None
    dataset_uuid: UUID | None = None


async def start_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    folder_uuid: UUID,
    plans: Sequence[UnitPlan],
    terms: JobOptions,
    metadata: MetadataValidator,
) -> UUID:
    """Write the job with its units and have them worked on.

    Raises a `DomainErrors` with all that is wrong with sources, and with metadata that is not held to its terms.
    """
    sources = [source for plan in plans for source in plan.sources]
    faults = await member_errors(
        transaction, viewer, [member for plan in plans for member in plan.members]
    )
    faults += await source_errors(transaction, viewer, folder_uuid, sources)
    faults += [fault for plan in plans for fault in _metadata_faults(metadata, plan)]
    if faults:
        raise DomainErrors(faults)
    job_uuid = await create_job(transaction, viewer.user_uuid, folder_uuid, terms, len(plans))
    for first in range(0, len(plans), SLICE):
        await _add_units(transaction, job_uuid, first, plans[first : first + SLICE])
    await enqueue_batches(transaction, queue, job_uuid, range(0, len(plans), UNITS_PER_BATCH))
    return job_uuid


def _metadata_faults(terms: MetadataValidator, plan: UnitPlan) -> Iterator[DomainError]:
    given = [(plan.client_metadata, plan.path)]
    given += [(source.client_metadata, source.path[:-1]) for source in plan.sources]
    for metadata, path in given:
        if fault := terms.error(metadata, *path, "clientMetadata"):
            yield fault


async def create_job(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    terms: JobOptions,
    units: int,
    cloud_sync_job_uuid: UUID | None = None,
) -> UUID:
    """Write a job with so many pending units, perhaps as part of a sync, the counter of its folder and the record."""
    job = UploadJobRecord(
        folder_uuid=folder_uuid,
        user_uuid=user_uuid,
        ignore_errors=terms.ignore_errors,
        skip_duplicate_urls=terms.skip_duplicate_urls,
        upsert_metadata=terms.upsert_metadata,
        file_name=terms.file_name,
        integration_uuid=terms.integration_uuid,
        dataset_uuid=terms.dataset_uuid,
        cloud_sync_job_uuid=cloud_sync_job_uuid,
        units_pending_count=units,
    )
    await transaction.execute(sa.insert(upload_jobs).values(job.model_dump()))
    await apply_deltas(transaction, {folder_uuid: Counter(upload_jobs=1)})
    made = JournalEntry("CREATE", "UploadJob", job.uuid, folder_uuid, after={"units": units})
    await journal.append(transaction, user_uuid, [made])
    return job.uuid


async def _add_units(
    transaction: Transaction, job_uuid: UUID, first: int, plans: Sequence[UnitPlan]
) -> None:
    """Write units from a position on; those that name URLs are unbound until their turn comes."""
    units = [
        new_row(
            UploadUnitRecord,
            job_uuid=job_uuid,
            position=position,
            title=plan.name,
            spec=to_spec(plan),
            item_uuid=plan.item_uuid,
            is_bound=plan.is_bound,
        )
        for position, plan in enumerate(plans, first)
    ]
    await transaction.execute(sa.insert(upload_units), units)
    await claim_placeholders(
        transaction, [(row["uuid"], plan) for row, plan in zip(units, plans, strict=True)]
    )
