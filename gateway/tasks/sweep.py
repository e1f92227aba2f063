"""Clearing up, every some minutes: late placeholders, old idempotency keys, broken-off uploads, jobs of nobody."""

from datetime import timedelta

import sqlalchemy as sa

from gateway.catalog.ingestion.batches import enqueue_batches
from gateway.catalog.ingestion.manifests import READ_MANIFEST, ReadManifestArgs
from gateway.catalog.items import delete_items, locked_items
from gateway.catalog.reencoding import enqueue_units
from gateway.catalog.sync_jobs import enqueue_sync
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.kinds.enums import CloudSyncJobStatus, JobStatus, ReencodeJobStatus, ReencodeUnitStatus
from gateway.models.base import now
from gateway.models.reencoding import reencode_jobs, reencode_units
from gateway.models.syncs import cloud_sync_jobs
from gateway.models.uploads import idempotency_keys, manifests, upload_jobs, upload_units, uploads

LATE = timedelta(hours=24)
"""Placeholders that no job has taken, and idempotency keys, live so long (design section 3)."""
STUCK = timedelta(hours=1)
_AT_ONCE = 500


async def sweep(services: Services) -> None:
    """Clear up."""
    while await _drop_late_placeholders(services):
        pass
    async with services.database.writing() as transaction:
        await transaction.execute(
            sa.delete(idempotency_keys).where(idempotency_keys.c.created_at < now() - LATE)
        )
    await _take_up_stuck_jobs(services)
    await _take_up_stuck_reencodes(services)
    await _take_up_stuck_syncs(services)
    await services.store.sweep()


async def _drop_late_placeholders(services: Services) -> bool:
    """Remove some; whether there were any. A job may take one until it is held, so it is looked at again then."""
    late = sa.and_(uploads.c.unit_uuid.is_(None), uploads.c.created_at < now() - LATE)
    async with services.database.writing() as transaction:
        found = await transaction.rows(sa.select(uploads.c.item_uuid).where(late).limit(_AT_ONCE))
        held = await locked_items(transaction, [row.item_uuid for row in found])
        chosen = in_keys(uploads.c.item_uuid, [row.uuid for row in held])
        still = {
            row.item_uuid
            for row in await transaction.rows(sa.select(uploads.c.item_uuid).where(late, chosen))
        }
        await delete_items(
            transaction, services.queue, None, [row for row in held if row.uuid in still]
        )
    return bool(found)


async def _take_up_stuck_jobs(services: Services) -> None:
    """Have jobs worked on again whose tasks were given up: nothing has happened to them for an hour.

    Where they only wait for their turn, the units are done by whichever task comes first.
    """
    waits = upload_units.c.status == JobStatus.PENDING
    stuck = sa.and_(
        upload_jobs.c.status == JobStatus.PENDING, upload_jobs.c.last_edited_at < now() - STUCK
    )
    async with services.database.writing() as transaction:
        for job in await transaction.rows(
            sa.select(upload_jobs.c.uuid).where(stuck).limit(_AT_ONCE)
        ):
            if await transaction.first(
                sa.select(manifests).where(manifests.c.job_uuid == job.uuid)
            ):
                await services.queue.enqueue(
                    transaction, READ_MANIFEST, ReadManifestArgs(job=job.uuid.hex), key=job.uuid.hex
                )
                continue
            units = sa.select(upload_units.c.position).where(
                upload_units.c.job_uuid == job.uuid, waits
            )
            positions = [
                row.position
                for row in await transaction.rows(units.order_by(upload_units.c.position))
            ]
            await enqueue_batches(transaction, services.queue, job.uuid, positions)


async def _take_up_stuck_reencodes(services: Services) -> None:
    """The same for jobs over videos."""
    stuck = sa.and_(
        reencode_jobs.c.status == ReencodeJobStatus.SUBMITTED,
        reencode_jobs.c.last_edited_at < now() - STUCK,
    )
    waiting = reencode_units.join(reencode_jobs, reencode_jobs.c.uuid == reencode_units.c.job_uuid)
    units = sa.select(reencode_units.c.job_uuid, reencode_units.c.position).select_from(waiting)
    units = units.where(stuck, reencode_units.c.status == ReencodeUnitStatus.PENDING).limit(
        _AT_ONCE
    )
    async with services.database.writing() as transaction:
        for unit in await transaction.rows(units):
            await enqueue_units(transaction, services.queue, unit.job_uuid, [unit.position])


async def _take_up_stuck_syncs(services: Services) -> None:
    """The same for syncs."""
    waits = cloud_sync_jobs.c.status == CloudSyncJobStatus.PENDING
    stuck = sa.and_(waits, cloud_sync_jobs.c.last_edited_at < now() - STUCK)
    async with services.database.writing() as transaction:
        for job in await transaction.rows(
            sa.select(cloud_sync_jobs.c.uuid).where(stuck).limit(_AT_ONCE)
        ):
            await enqueue_sync(transaction, services.queue, job.uuid)
