"""Finished units: what has been read of them is written in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from gateway.catalog.ingestion.begin_units import unit_error
from gateway.catalog.ingestion.cancelled_units import next_to_cancel
from gateway.catalog.ingestion.file_groups import (
    NewGroup,
    add_members,
    create_file_groups,
    group_row,
)
from gateway.catalog.ingestion.finish_items import (
    PlaceholdersGone,
    ReadSource,
    deduplicate_objects,
    finish_items,
)
from gateway.catalog.ingestion.into_items import (
    ReadTarget,
    UnitsRefused,
    refusals,
    use_up_placeholders,
    write_heads,
)
from gateway.catalog.ingestion.job_state import (
    UnitEnd,
    end_job,
    end_units,
    lock_job,
    pending_units,
    placeholders_of_units,
)
from gateway.catalog.ingestion.placeholders import abandon_placeholders
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.catalog.items import lock_items
from gateway.catalog.jobs import TERMINAL, folder_of
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.context import Services
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus, JobWait
from gateway.models.jobs import JobRecord
from gateway.models.uploads import UploadUnitRecord
from gateway.queues.base import Queue
from gateway.site_faults import SiteFault

ACTION = "reading the file"
"""What a unit's `actionDescription` says was being done when the unit failed."""


@dataclass(frozen=True, slots=True)
class ReadUnit:
    """A unit whose files have been read.

    Attributes:
        sources: its files, in order.
        video: the encoded video of an image sequence.
        error: the message for the user if the unit fails.
        must_retry: whether reading failed for reasons other than the files, such as a server that
            is down. The unit is tried again; `error` is the reason, if it is known.
        fault: the fault of the site that is this reason, if it is one.
    """

    unit: UploadUnitRecord
    plan: UnitPlan
    sources: Sequence[ReadSource] = ()
    video: ReadSource | None = None
    error: str | None = None
    must_retry: bool = False
    fault: SiteFault | None = None

    @property
    def members(self) -> list[UUID]:
        """The existing items that become members."""
        return [member.uuid for member in self.plan.members]

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(source.facts.file_size or 0 for source in self.sources)

    @property
    def answered(self) -> frozenset[JobWait]:
        """Those that have responded while its files were read."""
        waits: set[JobWait] = set()
        for source in (*self.sources, self.video):
            if source and not source.is_remote:
                waits |= {JobWait.STORE, JobWait.CLOCK}
            elif source and source.integration:
                waits.add(JobWait.INTEGRATION)
        return frozenset(waits)

    def done_as(self, item_uuid: UUID | None) -> UnitEnd:
        """Return the end of a unit that became this item."""
        return UnitEnd(JobStatus.DONE, item_uuid, size=self.size, answered=self.answered)


async def finish_units(
    transaction: Transaction, services: Services, job_uuid: UUID, read: Sequence[ReadUnit]
) -> bool:
    """End the units that are still pending, and return whether the job goes on.

    Locks are taken in the order tree, job, items, objects, counters.

    Raises:
        PlaceholdersGone, UnitsRefused: items were deleted, or changed, in the meantime.
    """
    await lock_tree(transaction.connection, exclusive=False)
    job = await lock_job(transaction, job_uuid)
    if job is None or job.status in TERMINAL:
        pending = set()
    else:
        pending = await pending_units(transaction, [each.unit.uuid for each in read])
    late = [each.video.location for each in read if each.video and each.unit.uuid not in pending]
    await release_objects(transaction, services.queue, late)
    if job is None or job.status in TERMINAL:
        return False
    if not pending:
        return True
    validator = await load_metadata_validator(transaction, services.settings)
    good: list[ReadUnit] = []
    bad: list[ReadUnit] = []
    for each in read:
        metadata = [each.plan.client_metadata, *(source.client_metadata for source in each.sources)]
        checks = (validator.error(values, "clientMetadata") for values in metadata)
        error = next((check for check in checks if check), None)
        if error and not each.error:
            each = replace(each, error=unit_error(each.unit, error))
        if each.unit.uuid in pending:
            (bad if each.error else good).append(each)
    abandoned = await placeholders_of_units(transaction, [each.unit.uuid for each in bad])
    rest = None
    if bad and not job.ignore_errors:
        rest = await next_to_cancel(transaction, job_uuid)
        abandoned += rest.placeholders
    await finish_sources(transaction, services.queue, job, good, abandoned)
    groups = await create_groups(transaction, job, good)
    ends = {}
    for each in good:
        item_uuid = groups.get(each.unit.uuid, each.unit.item_uuid)
        ends[each.unit.uuid] = each.done_as(item_uuid)
    for each in bad:
        ends[each.unit.uuid] = UnitEnd(JobStatus.ERROR, error=each.error, action=ACTION)
    if rest is not None:
        await end_job(transaction, services.queue, None, job, JobStatus.ERROR, ends, rest)
        return False
    return await end_units(transaction, job, ends) not in TERMINAL


async def finish_sources(
    transaction: Transaction,
    queue: Queue,
    job: JobRecord,
    read: Sequence[ReadUnit],
    abandoned: Sequence[UUID],
) -> None:
    """Turn the placeholders of units into items, and abandon other placeholders.

    All items are locked at once, and then objects and counters.
    """
    sources = [source for each in read for source in (*each.sources, each.video) if source]
    targets = [
        ReadTarget(each.unit.uuid, each.plan.target, each.sources)
        for each in read
        if each.plan.target
    ]
    needed = {source.item_uuid for source in sources}
    existing = {uuid for each in read for uuid in each.members}
    existing |= {each.target.uuid for each in targets}
    unneeded = set(abandoned) - needed
    locked = await lock_items(transaction, [*needed, *unneeded, *existing])
    rows = {row.uuid: row for row in locked}
    if gone := (needed | existing) - rows.keys():
        raise PlaceholdersGone(gone)
    if refused := await refusals(transaction, targets, rows):
        raise UnitsRefused(refused)
    uploaded = [source.uploaded for source in sources]
    keys = await deduplicate_objects(
        transaction, job.user_uuid, [each for each in uploaded if each]
    )
    await lock_counters(transaction, {folder_of(job), *(row.folder_uuid for row in locked)})
    into_items = {source.item_uuid for each in targets for source in each.sources}
    heads = await write_heads(transaction, job.user_uuid, targets, rows, keys)
    finished = [source for source in sources if source.item_uuid not in into_items]
    finished += [head.source for head in heads]
    more = {head.source.item_uuid: head.columns for head in heads}
    await finish_items(transaction, queue, job.user_uuid, finished, rows, keys, more)
    await use_up_placeholders(transaction, queue, job.user_uuid, targets, rows, keys)
    await abandon_placeholders(
        transaction, queue, None, [rows[uuid] for uuid in unneeded if uuid in rows]
    )


async def create_groups(
    transaction: Transaction, job: JobRecord, read: Sequence[ReadUnit]
) -> dict[UUID, UUID]:
    """Create the groups of units that are groups, and return their UUIDs by unit.

    Image sequences are items already, those of their videos; they only get members. The group of a
    DICOM series has the UIDs of its first file.
    """
    videos: dict[UUID, list[UUID]] = {}
    groups: dict[UUID, NewGroup] = {}
    for each in read:
        plan, members = each.plan, [source.item_uuid for source in each.sources] + each.members
        if each.video:
            videos[each.video.item_uuid] = members
        elif plan.is_group:
            facts = dict(plan.facts)
            if each.sources:
                first = each.sources[0].facts
                facts.setdefault("dicom_study_uid", first.dicom_study_uid)
                facts.setdefault("dicom_series_uid", first.dicom_series_uid)
            row = group_row(
                plan.home or folder_of(job),
                job.user_uuid,
                plan.item_type,
                each.unit.title,
                plan.client_metadata,
                facts,
            )
            groups[each.unit.uuid] = NewGroup(row, members)
    await add_members(transaction, videos)
    await create_file_groups(transaction, job.user_uuid, [*groups.values()])
    return {unit_uuid: group.row.uuid for unit_uuid, group in groups.items()}
