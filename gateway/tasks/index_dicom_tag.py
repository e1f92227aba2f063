"""Fills in the values that series have of an indexed tag, and deletes those of a removed one."""

import asyncio
from collections import Counter
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.dicom_indexed_tags import enqueue_indexing
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, save_job
from gateway.catalog.ledger.dicom_values import (
    UNINDEXED,
    CountedValue,
    add_counts,
    batches,
    stored_values,
)
from gateway.clock import now
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.table_locks import lock_writers_out
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.dicom import dicom_instances, dicom_tags
from gateway.models.dicom_indexed_tags import (
    DicomIndexedTagRecord,
    DicomTagValueRecord,
    dicom_indexed_tags,
    dicom_tag_values,
)

INSTANCES = 200
"""Instances of a step, a transaction that keeps others from changing instances."""
VALUES = 1_000
"""Values that are deleted in a transaction."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


class _Instance(NamedTuple):
    item_uuid: UUID
    series_uuid: UUID
    is_live: bool
    document_size: int | None


class _Step(NamedTuple):
    """The last instance of a step, whether there are others, and those that count, by result."""

    last: UUID | None
    is_last: bool
    done: int
    failed: int


async def index_dicom_tag(services: Services, *, tag: str) -> None:
    """Take some steps; between two it rests for as long as a step took."""
    uuid = UUID(hex=tag)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await _take_step(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_indexing(transaction, services.queue, uuid)


async def _take_step(services: Services, uuid: UUID) -> bool:
    """Fill in values of the next instances, or delete some; return whether that was the last."""
    selected = sa.select(dicom_indexed_tags).where(dicom_indexed_tags.c.uuid == uuid)
    async with services.database.writing() as transaction:
        row = await transaction.first(selected, DicomIndexedTagRecord)
        if row is None:
            return True
        if row.is_removed:
            return await _delete_values(transaction, uuid)
        job = row.job_uuid and await lock_job_row(transaction, JobKind.INDEXING, row.job_uuid)
        # From here on all others have ended who may not know how far the tag is filled.
        await lock_writers_out(transaction.connection, dicom_instances)
        row = await transaction.single(
            selected.with_for_update(key_share=True), DicomIndexedTagRecord
        )
        if row.is_removed or row.is_filled:
            return bool(row.is_filled)
        step = await _fill(transaction, row)
        progress = {
            "filled_until": step.last,
            "is_filled": step.is_last,
            "last_edited_at": now(),
        }
        mine = dicom_indexed_tags.c.uuid == uuid
        await transaction.execute(sa.update(dicom_indexed_tags).where(mine).values(progress))
        if job and job.status not in TERMINAL:
            begin_work(job.uuid)
            left = max(1, job.units_pending_count - step.done - step.failed)
            counts: dict[str, Any] = {
                "units_done_count": job.units_done_count + step.done,
                "units_error_count": job.units_error_count + step.failed,
                "units_pending_count": 0 if step.is_last else left,
            }
            if step.failed:
                counts["error"] = f"Not all values of {job.title} could be indexed."
            await save_job(
                transaction, job, counts, JobStatus.DONE if step.is_last else JobStatus.PENDING
            )
    return step.is_last


async def _fill(transaction: Transaction, row: DicomIndexedTagRecord) -> _Step:
    """Add the values of the next instances in the order of their items."""
    page = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_instances.c.series_uuid,
            dicom_instances.c.is_live,
            dicom_tags.c.document_size,
        )
        .outerjoin(dicom_tags, dicom_tags.c.item_uuid == dicom_instances.c.item_uuid)
        .order_by(dicom_instances.c.item_uuid)
        .limit(INSTANCES)
    )
    if row.filled_until is not None:
        page = page.where(dicom_instances.c.item_uuid > row.filled_until)
    instances = await transaction.rows(page, _Instance)
    batch = next(iter(batches({each.item_uuid: each.document_size or 0 for each in instances})), [])
    live = {each.item_uuid: each.series_uuid for each in instances[: len(batch)] if each.is_live}
    whole = DicomIndexedTagRecord(
        uuid=row.uuid, tag=row.tag, private_creator=row.private_creator, vr=row.vr, is_filled=True
    )
    counts: Counter[CountedValue] = Counter()
    failed = set(live)
    async for item_uuid, values in stored_values(transaction, [whole], live):
        counts.update(CountedValue(live[item_uuid], *value) for value in values)
        if all(value.value != UNINDEXED for value in values):
            failed.discard(item_uuid)
    await add_counts(transaction, counts)
    last = batch[-1] if batch else row.filled_until
    is_last = len(batch) == len(instances) < INSTANCES
    return _Step(last, is_last, len(live) - len(failed), len(failed))


async def _delete_values(transaction: Transaction, uuid: UUID) -> bool:
    """Delete some values of a removed tag, and the tag after the last."""
    # From here on nobody adds any, who may not know yet that the tag was removed.
    await lock_writers_out(transaction.connection, dicom_instances)
    of_tag = dicom_tag_values.c.indexed_tag_uuid == uuid
    chosen = sa.select(dicom_tag_values.c.series_uuid).where(of_tag).limit(VALUES)
    rows = await transaction.rows(chosen, DicomTagValueRecord)
    if not rows:
        delete = sa.delete(dicom_indexed_tags).where(dicom_indexed_tags.c.uuid == uuid)
        await transaction.execute(delete)
        return True
    series = in_keys(dicom_tag_values.c.series_uuid, {row.series_uuid for row in rows})
    await transaction.execute(sa.delete(dicom_tag_values).where(of_tag, series))
    return False
