"""Cancels the units of upload jobs that were cancelled: step by step, while others work on."""

import asyncio
from time import monotonic
from uuid import UUID

from gateway.catalog.ingestion.cancelled_units import enqueue_cancellation, next_to_cancel
from gateway.catalog.ingestion.job_state import lock_job, set_cancelled
from gateway.catalog.ingestion.placeholders import abandon_placeholders
from gateway.catalog.items import lock_items
from gateway.context import Services
from gateway.database.dialects import lock_tree

STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


async def cancel_units(services: Services, *, job: str, user: str | None) -> None:
    """Take some steps of a cancellation.

    Between two steps it rests for as long as a step took, so that others get their turn.
    """
    job_uuid, user_uuid = UUID(hex=job), UUID(hex=user) if user else None
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await take_step(services, job_uuid, user_uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_cancellation(transaction, services.queue, job_uuid, user_uuid)


async def take_step(services: Services, job_uuid: UUID, user_uuid: UUID | None) -> bool:
    """Take a step of a cancellation, and return whether nothing is left to do.

    Of a job whose folder was deleted, the deletion removes the units.
    """
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        job = await lock_job(transaction, job_uuid)
        if job is None:
            return True
        chosen = await next_to_cancel(transaction, job_uuid)
        placeholders = await lock_items(transaction, chosen.placeholders)
        await abandon_placeholders(transaction, services.queue, user_uuid, placeholders)
        await set_cancelled(transaction, job, chosen.units)
    return not any(chosen)
