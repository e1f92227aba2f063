"""Start of upload jobs: plans are checked, stored as units, and their first batches enqueued."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.bind_sources import claim_placeholders, member_errors, source_errors
from gateway.catalog.ingestion.import_plans import adopt_targets
from gateway.catalog.ingestion.into_items import target_errors
from gateway.catalog.ingestion.unit_names import name_units
from gateway.catalog.ingestion.unit_plan import UnitPlan, to_spec
from gateway.catalog.jobs import add_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.engine import SLICE, Transaction
from gateway.errors import DomainErrors
from gateway.kinds.enums import IfNameTaken, JobKind
from gateway.models.base import new_row
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.queues.base import Queue


@dataclass(frozen=True, slots=True)
class JobOptions:
    """Options of an upload job, which are columns of its row.

    Attributes:
        ignore_errors: whether the job goes on when a unit fails.
        skip_duplicate_urls: whether units are skipped whose files the folder has already.
        upsert_metadata: whether the metadata of such files is replaced by that of the entry.
        file_name: name of the manifest that the units come from, if there is one.
        integration_uuid: the integration in whose store remote URLs are.
        dataset_uuid: the dataset to which the items are added.
        sees_phi: whether the credential that starts the job sees identities.
        tree_uuid: the folder that it is limited to.
    """

    ignore_errors: bool = False
    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False
    file_name: str | None = None
    integration_uuid: UUID | None = None
    dataset_uuid: UUID | None = None
    sees_phi: bool = True
    tree_uuid: UUID | None = None


async def start_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    folder_uuid: UUID,
    plans: Sequence[UnitPlan],
    options: JobOptions,
    validator: MetadataValidator,
    rule: IfNameTaken = IfNameTaken.ALLOW_DUPLICATE,
) -> UUID:
    """Create a job with a unit for each plan, enqueue its first batches, and return its UUID.

    With another rule for names that are taken, the caller has locked the folder.

    Raises:
        DomainErrors: all that is wrong with members, sources and metadata, or with names.
    """
    await adopt_targets(transaction, plans)
    sources = [source for plan in plans for source in plan.sources]
    members = [member for plan in plans for member in plan.members]
    errors = await member_errors(transaction, viewer, folder_uuid, members)
    errors += await target_errors(transaction, viewer, folder_uuid, plans)
    errors += await source_errors(transaction, viewer, folder_uuid, sources)
    for plan in plans:
        metadata = [(plan.client_metadata, plan.path)]
        metadata += [(source.client_metadata, source.path[:-1]) for source in plan.sources]
        checks = (validator.error(values, *path, "clientMetadata") for values, path in metadata)
        errors += [error for error in checks if error]
    integration = options.integration_uuid
    errors = errors or await name_units(transaction, viewer, folder_uuid, plans, rule, integration)
    if errors:
        raise DomainErrors(errors)
    sizes = [source.file_size for source in sources]
    job_uuid = await create_job(
        transaction,
        viewer.user_uuid,
        folder_uuid,
        replace(options, sees_phi=viewer.sees_phi, tree_uuid=viewer.tree_uuid),
        len(plans),
        None if None in sizes else sum(size or 0 for size in sizes),
    )
    await add_units(transaction, job_uuid, plans)
    await enqueue_batches(transaction, queue, job_uuid, range(0, len(plans), UNITS_PER_BATCH))
    return job_uuid


async def create_job(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    options: JobOptions,
    units: int,
    bytes_total: int | None = None,
    cloud_sync_job_uuid: UUID | None = None,
) -> UUID:
    """Insert a job with this number of pending units, update the folder's counters and the journal.

    The caller inserts the units. `bytes_total` is the size of their files, if it is known, and
    `cloud_sync_job_uuid` the sync that the job is a part of.
    """
    job_uuid = await add_job(
        transaction,
        JobKind.UPLOAD,
        user_uuid,
        folder_uuid,
        **asdict(options),
        cloud_sync_job_uuid=cloud_sync_job_uuid,
        units_pending_count=units,
        bytes_total=bytes_total,
    )
    await apply_deltas(transaction, {folder_uuid: Counter(upload_jobs=1)})
    entry = JournalEntry("CREATE", "UploadJob", job_uuid, folder_uuid, after={"units": units})
    await journal.append(transaction, user_uuid, [entry])
    return job_uuid


async def add_units(transaction: Transaction, job_uuid: UUID, plans: Sequence[UnitPlan]) -> None:
    """Insert a unit for each plan of a new job, and claim the placeholders that they have.

    Sources that are URLs get their placeholders when the unit is begun.
    """
    for start in range(0, len(plans), SLICE):
        batch = plans[start : start + SLICE]
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
            for position, plan in enumerate(batch, start)
        ]
        await transaction.execute(sa.insert(upload_units), units)
        claims = [(unit["uuid"], plan) for unit, plan in zip(units, batch, strict=True)]
        await claim_placeholders(transaction, claims)
