"""Regular cleanup of what has expired, of broken uploads, and of stuck jobs.

Placeholders, idempotency keys and sessions expire.
"""

from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa

from gateway.catalog.checksums import enqueue_checksums, objects_without_checksum
from gateway.catalog.collecting import enqueue_collecting
from gateway.catalog.datasets import enqueue_row_removal
from gateway.catalog.deletion import enqueue_removal
from gateway.catalog.dicom_copies import enqueue_copies
from gateway.catalog.dicom_deletion import enqueue_study_deletion
from gateway.catalog.dicom_indexed_tags import enqueue_indexing
from gateway.catalog.folder_copies import enqueue_folder_copy
from gateway.catalog.ingestion.batches import enqueue_batches
from gateway.catalog.ingestion.cancelled_units import enqueue_cancellation
from gateway.catalog.ingestion.manifests import READ_MANIFEST, ReadManifestArgs
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.jobs import TERMINAL
from gateway.catalog.linking import enqueue_linking
from gateway.catalog.metadata_schema import enqueue_fill
from gateway.catalog.reencoding import enqueue_units
from gateway.catalog.sync_jobs import enqueue_sync
from gateway.clock import SITE_CLOCK
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.kinds.enums import JobKind, JobStatus, ReencodeUnitStatus
from gateway.models.dicom_indexed_tags import DicomIndexedTagRecord, dicom_indexed_tags
from gateway.models.jobs import JobRecord, jobs
from gateway.models.metadata import MetadataFieldRecord, metadata_fields
from gateway.models.people import api_keys
from gateway.models.reencoding import ReencodeUnitRecord, reencode_units
from gateway.models.uploads import (
    ManifestRecord,
    UploadRecord,
    UploadUnitRecord,
    idempotency_keys,
    manifests,
    upload_units,
    uploads,
)
from gateway.site_faults import SiteFault

LATE = timedelta(hours=24)
"""Age at which idempotency keys expire, and placeholders that no job has claimed."""
LISTED_SESSIONS = timedelta(days=7)
"""Time for which sessions that have expired are still listed among the keys of their user."""
STUCK = timedelta(hours=1)
"""Time without any change after which the tasks of a job are enqueued again."""
_BATCH = 500


async def sweep(services: Services) -> None:
    """Clean up.

    The tasks of a stuck job failed permanently, or are only waiting; in the latter case whichever
    comes first does the work.
    """
    while await delete_late_placeholders(services):
        pass
    async with services.database.writing() as transaction:
        expired = idempotency_keys.c.created_at < SITE_CLOCK.long_before(LATE)
        await transaction.execute(sa.delete(idempotency_keys).where(expired))
    async with services.database.writing() as transaction:
        past = api_keys.c.expires_at < SITE_CLOCK.long_before(LISTED_SESSIONS)
        await transaction.execute(sa.delete(api_keys).where(api_keys.c.is_session, past))
    await restart_upload_jobs(services)
    await restart_cancellations(services)
    await restart_reencode_jobs(services)
    await restart_syncs(services)
    await restart_bulk_jobs(services)
    await restart_fills(services)
    with suppress(SiteFault):  # next time
        await services.store.sweep()


async def delete_late_placeholders(services: Services) -> bool:
    """Delete a batch of placeholders that are late, and return whether there were any.

    They are selected again once they are locked: a job may have claimed some until then.
    """
    late = sa.select(uploads.c.item_uuid).where(
        uploads.c.unit_uuid.is_(None), uploads.c.created_at < SITE_CLOCK.long_before(LATE)
    )
    async with services.database.writing() as transaction:
        candidates = await transaction.rows(late.limit(_BATCH), UploadRecord)
        locked = await lock_items(transaction, [row.item_uuid for row in candidates])
        chosen = in_keys(uploads.c.item_uuid, [row.uuid for row in locked])
        still_late = await transaction.rows(late.where(chosen), UploadRecord)
        uuids = {row.item_uuid for row in still_late}
        await delete_items(
            transaction, services.queue, None, [row for row in locked if row.uuid in uuids]
        )
    return bool(candidates)


def _is_stuck(kind: JobKind) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that a job of a kind runs, but has not changed for long."""
    return (
        jobs.c.kind == kind,
        jobs.c.status == JobStatus.PENDING,
        jobs.c.last_edited_at < SITE_CLOCK.long_before(STUCK),
    )


async def restart_upload_jobs(services: Services) -> None:
    """Enqueue the tasks of stuck upload jobs again."""
    stuck = sa.select(jobs.c.uuid).where(*_is_stuck(JobKind.UPLOAD))
    async with services.database.writing() as transaction:
        for job in await transaction.rows(stuck.limit(_BATCH), JobRecord):
            manifest = sa.select(manifests).where(manifests.c.job_uuid == job.uuid)
            if await transaction.first(manifest, ManifestRecord):
                args = ReadManifestArgs(job=job.uuid.hex)
                await services.queue.enqueue(transaction, READ_MANIFEST, args, key=job.uuid.hex)
                continue
            pending = sa.select(upload_units.c.position).where(
                upload_units.c.job_uuid == job.uuid, upload_units.c.status == JobStatus.PENDING
            )
            units = await transaction.rows(
                pending.order_by(upload_units.c.position), UploadUnitRecord
            )
            positions = [unit.position for unit in units]
            await enqueue_batches(transaction, services.queue, job.uuid, positions)


async def restart_cancellations(services: Services) -> None:
    """Enqueue again what cancels the units of jobs that ended an hour ago, or on the day before."""
    has_units = sa.exists().where(
        upload_units.c.job_uuid == jobs.c.uuid, upload_units.c.status == JobStatus.PENDING
    )
    stuck = sa.select(jobs.c.uuid).where(
        jobs.c.kind == JobKind.UPLOAD,
        jobs.c.status.in_(TERMINAL),
        jobs.c.finished_at.between(SITE_CLOCK.long_before(LATE), SITE_CLOCK.long_before(STUCK)),
        has_units,
    )
    async with services.database.writing() as transaction:
        for job in await transaction.rows(stuck.limit(_BATCH), JobRecord):
            await enqueue_cancellation(transaction, services.queue, job.uuid, None)


async def restart_reencode_jobs(services: Services) -> None:
    """Enqueue the pending units of stuck re-encoding jobs again."""
    stuck = (
        sa.select(reencode_units.c.job_uuid, reencode_units.c.position)
        .join(jobs, jobs.c.uuid == reencode_units.c.job_uuid)
        .where(*_is_stuck(JobKind.REENCODE), reencode_units.c.status == ReencodeUnitStatus.PENDING)
    )
    async with services.database.writing() as transaction:
        for unit in await transaction.rows(stuck.limit(_BATCH), ReencodeUnitRecord):
            await enqueue_units(transaction, services.queue, unit.job_uuid, [unit.position])


async def restart_syncs(services: Services) -> None:
    """Enqueue the tasks of stuck syncs again."""
    stuck = sa.select(jobs.c.uuid).where(*_is_stuck(JobKind.CLOUD_SYNC))
    async with services.database.writing() as transaction:
        for job in await transaction.rows(stuck.limit(_BATCH), JobRecord):
            await enqueue_sync(transaction, services.queue, job.uuid)


async def restart_bulk_jobs(services: Services) -> None:
    """Enqueue the tasks of stuck jobs again that work step by step, such as deletions."""
    of_dataset = jobs.c.dataset_uuid.is_not(None)
    for kind, condition, enqueue in (
        (JobKind.DELETION, ~of_dataset, enqueue_removal),
        (JobKind.DELETION, of_dataset, enqueue_row_removal),
        (JobKind.LINKING, sa.true(), enqueue_linking),
        (JobKind.COLLECTING, sa.true(), enqueue_collecting),
        (JobKind.FOLDER_COPY, sa.true(), enqueue_folder_copy),
        (JobKind.DICOM_DELETION, sa.true(), enqueue_study_deletion),
        (JobKind.DICOM_COPY, sa.true(), enqueue_copies),
    ):
        stuck = sa.select(jobs.c.uuid).where(*_is_stuck(kind), condition)
        async with services.database.writing() as transaction:
            for job in await transaction.rows(stuck.limit(_BATCH), JobRecord):
                await enqueue(transaction, services.queue, job.uuid)


async def restart_fills(services: Services) -> None:
    """Enqueue again what is stuck of the filling of metadata keys, indexed tags and checksums.

    That of keys that were declared before items could be found by them was never enqueued, nor was
    that of the checksums of objects that were stored before these were kept.
    """
    stuck = sa.select(metadata_fields.c.uuid).where(
        ~metadata_fields.c.is_filled,
        metadata_fields.c.last_edited_at < SITE_CLOCK.long_before(STUCK),
    )
    async with services.database.writing() as transaction:
        for field in await transaction.rows(stuck, MetadataFieldRecord):
            await enqueue_fill(transaction, services.queue, field.uuid)
    unfinished = sa.select(dicom_indexed_tags.c.uuid).where(
        ~dicom_indexed_tags.c.is_filled | dicom_indexed_tags.c.is_removed,
        dicom_indexed_tags.c.last_edited_at < SITE_CLOCK.long_before(STUCK),
    )
    async with services.database.writing() as transaction:
        for tag in await transaction.rows(unfinished, DicomIndexedTagRecord):
            await enqueue_indexing(transaction, services.queue, tag.uuid)
    async with services.database.writing() as transaction:
        if await objects_without_checksum(transaction, "", 1):
            await enqueue_checksums(transaction, services.queue)
