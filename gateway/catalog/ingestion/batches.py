"""Jobs take turns: each waits in the queue with a few tasks only, so that a small job is done while a huge one runs."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.models.uploads import upload_units
from gateway.queues.base import Queue

RUN_BATCH = "take_turn"
UNITS_PER_BATCH = 50
SHARDS = 8
"""How many turns of a job may be taken at once, and so how many workers may work on it."""


async def enqueue_batches(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Iterable[int]
) -> None:
    """Have the units at these positions worked on, in each lane from its first of them on."""
    first: dict[int, int] = {}
    for position in positions:
        turn = position // UNITS_PER_BATCH
        first.setdefault(turn % SHARDS, turn)
    for turn in sorted(first.values()):
        await _enqueue(transaction, queue, job_uuid, turn)


async def enqueue_next_batch(
    transaction: Transaction, queue: Queue, job_uuid: UUID, turn: int
) -> None:
    """Have a lane go on after a turn, behind all that waits in the queue by now, if the job still has units there."""
    later = (turn + 1) * UNITS_PER_BATCH
    waits = sa.and_(upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING)
    if await transaction.first(
        sa.select(1).where(waits, upload_units.c.position >= later).limit(1)
    ):
        await _enqueue(transaction, queue, job_uuid, turn + SHARDS)


async def _enqueue(transaction: Transaction, queue: Queue, job_uuid: UUID, turn: int) -> None:
    """With a key: a turn that waits already is not added when a task that was killed is run again."""
    key = f"{RUN_BATCH}.{job_uuid.hex}.{turn}"
    await queue.enqueue(transaction, RUN_BATCH, {"job": job_uuid.hex, "turn": turn}, key=key)
