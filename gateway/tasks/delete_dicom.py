"""Deletion of DICOM studies, a few instances at a time, as others work on."""

import asyncio
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.dicom_deletion import delete_next, enqueue_study_deletion
from gateway.catalog.dicom_jobs import cancel_dicom_job
from gateway.catalog.dicom_units import list_units
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, viewer_of_job
from gateway.context import Services
from gateway.kinds.enums import DicomJobPhase, JobKind
from gateway.models.jobs import JobRecord, jobs

LISTED, DELETED = 500, 50
"""Instances that a step lists, and items that it deletes."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
NO_STARTER = "The user who started the job has been deleted or deactivated."
_MAX_PAUSE = 0.2


async def delete_dicom(services: Services, *, job: str) -> None:
    """Take some steps of a deletion; between two it rests for as long as a step took."""
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await take_step(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_study_deletion(transaction, services.queue, uuid)


async def take_step(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a deletion, and return whether it was the last."""
    rows = await services.database.rows(sa.select(jobs).where(jobs.c.uuid == job_uuid), JobRecord)
    viewer = await viewer_of_job(services.database, rows[0]) if rows else None
    async with services.database.writing() as transaction:
        job = await lock_job_row(transaction, JobKind.DICOM_DELETION, job_uuid)
        if job is None or job.status in TERMINAL:
            return True
        if viewer is None:
            await cancel_dicom_job(transaction, services.queue, None, job, NO_STARTER)
            return True
        if job.dicom_phase is DicomJobPhase.LISTING:
            await list_units(transaction, job, LISTED, DicomJobPhase.REMOVING)
            return False
        return await delete_next(transaction, services.queue, viewer, job, DELETED)
