"""Batches and shards: how a job's units are divided among tasks.

The units of a job form batches of consecutive positions. Each shard of the job processes every
eighth batch, one after another, and enqueues its next batch only when it has done one. A job
therefore has few tasks in the queue, and small jobs finish while a huge one runs.
"""

from collections.abc import Iterable
from typing import NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.models.jobs import jobs
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.queues.base import Queue, TaskType


class RunBatchArgs(TypedDict):
    """Arguments of `RUN_BATCH`: a job, and the number of the batch, called `turn` in the queue.

    `size` is the number of units in each of the job's batches.
    """

    job: str
    turn: int
    size: NotRequired[int]


RUN_BATCH = TaskType("take_turn", RunBatchArgs)
UNITS_PER_BATCH = 200
FORMER_UNITS_PER_BATCH = 50
"""Units of a batch whose task does not say how many, as an earlier version enqueued it."""
SHARDS = 8
"""Batches of a job that may run at the same time."""


async def enqueue_batches(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Iterable[int]
) -> None:
    """Enqueue in each shard the first batch that contains a unit at one of these positions."""
    first_batches: dict[int, int] = {}
    for position in positions:
        batch = position // UNITS_PER_BATCH
        first_batches.setdefault(batch % SHARDS, batch)
    for batch in sorted(first_batches.values()):
        await _enqueue_batch(transaction, queue, job_uuid, batch)


async def enqueue_next_batch(
    transaction: Transaction, queue: Queue, job_uuid: UUID, batch: int, size: int
) -> None:
    """Enqueue the next batch of a batch's shard if the job has pending units after this batch."""
    pending = (
        sa.select(upload_units.c.uuid)
        .join(jobs, jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            jobs.c.status == JobStatus.PENDING,
            upload_units.c.job_uuid == job_uuid,
            upload_units.c.status == JobStatus.PENDING,
            upload_units.c.position >= (batch + 1) * size,
        )
    )
    if await transaction.first(pending.limit(1), UploadUnitRecord):
        await _enqueue_batch(transaction, queue, job_uuid, batch + SHARDS, size)


async def _enqueue_batch(
    transaction: Transaction, queue: Queue, job_uuid: UUID, batch: int, size: int = UNITS_PER_BATCH
) -> None:
    """Enqueue a batch unless it is waiting already, as when a killed task is run again."""
    key = f"{RUN_BATCH.name}.{job_uuid.hex}.{size}.{batch}"
    args = RunBatchArgs(job=job_uuid.hex, turn=batch, size=size)
    await queue.enqueue(transaction, RUN_BATCH, args, key=key)
