"""Clearing up, every some minutes: late placeholders, old idempotency keys, and jobs that nobody works on."""

from datetime import timedelta

import sqlalchemy as sa

from gateway.catalog.items import chosen_items, remove_items
from gateway.catalog.starting import INGEST
from gateway.context import Services
from gateway.kinds import JobStatus
from gateway.models.base import now
from gateway.models.uploads import idempotency_keys, upload_jobs, upload_units, uploads

SWEEP = "sweep"
EVERY = timedelta(minutes=10)
LATE = timedelta(hours=24)
"""Placeholders that no job has taken, and idempotency keys, live so long (design section 3)."""
STUCK = timedelta(hours=1)
_AT_ONCE = 500


async def sweep(services: Services) -> None:
    """Clear up, and be back in some minutes."""
    while await _drop_late_placeholders(services):
        pass
    async with services.database.writing() as transaction:
        await transaction.execute(sa.delete(idempotency_keys).where(idempotency_keys.c.created_at < now() - LATE))
    await _take_up_stuck_jobs(services)
    async with services.database.writing() as transaction:
        await services.queue.enqueue(transaction, SWEEP, {}, key=SWEEP, run_at=now() + EVERY)


async def _drop_late_placeholders(services: Services) -> bool:
    late = sa.select(uploads.c.item_uuid).where(uploads.c.unit_uuid.is_(None), uploads.c.created_at < now() - LATE)
    async with services.database.writing() as transaction:
        uuids = [row.item_uuid for row in await transaction.rows(late.limit(_AT_ONCE))]
        await remove_items(transaction, services.queue, None, await chosen_items(transaction, uuids))
    return bool(uuids)


async def _take_up_stuck_jobs(services: Services) -> None:
    """Have jobs worked on again whose tasks were given up: nothing has happened to them for an hour."""
    units = sa.select(sa.func.max(upload_units.c.position)).where(upload_units.c.job_uuid == upload_jobs.c.uuid)
    stuck = sa.select(upload_jobs.c.uuid, units.scalar_subquery().label("last")).where(
        upload_jobs.c.status == JobStatus.PENDING, upload_jobs.c.last_edited_at < now() - STUCK
    )
    async with services.database.writing() as transaction:
        for row in await transaction.rows(stuck):
            args = {"job": row.uuid.hex, "start": 0, "stop": row.last + 1}
            await services.queue.enqueue(transaction, INGEST, args, key=f"{INGEST}.{row.uuid.hex}")
