"""Removal of large deleted datasets: their data rows go step by step, while others work on."""

import asyncio
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.datasets import enqueue_row_removal
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, save_job
from gateway.catalog.ledger.mirror_datasets import unlink_data_rows
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.datasets import DataRowRecord, data_rows, datasets
from gateway.models.jobs import jobs

DATA_ROWS = 200
"""Data rows that a step removes."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


async def remove_dataset(services: Services, *, job: str) -> None:
    """Take some steps of a deletion; between two it rests for as long as a step took."""
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await remove_some_rows(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_row_removal(transaction, services.queue, uuid)


async def remove_some_rows(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a deletion, and return whether it was the last, which removes the dataset."""
    async with services.database.writing() as transaction:
        job = await lock_job_row(transaction, JobKind.DELETION, job_uuid)
        if job is None or job.status in TERMINAL:
            return True
        some = (
            sa.select(data_rows.c.uuid)
            .where(data_rows.c.dataset_uuid == job.dataset_uuid)
            .order_by(data_rows.c.created_at, data_rows.c.uuid)
            .limit(DATA_ROWS)
        )
        uuids = [row.uuid for row in await transaction.rows(some, DataRowRecord)]
        await unlink_data_rows(transaction, job.user_uuid, in_keys(data_rows.c.uuid, uuids))
        is_last = len(uuids) < DATA_ROWS
        counts = {
            "units_done_count": job.units_done_count + len(uuids),
            "units_pending_count": 0 if is_last else max(1, job.units_pending_count - len(uuids)),
        }
        if is_last:
            mine = jobs.c.dataset_uuid == job.dataset_uuid
            await transaction.execute(sa.update(jobs).where(mine).values(dataset_uuid=None))
            gone = datasets.c.uuid == job.dataset_uuid
            await transaction.execute(sa.delete(datasets).where(gone))
        await save_job(transaction, job, counts, JobStatus.DONE if is_last else JobStatus.PENDING)
    return is_last
