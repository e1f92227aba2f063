"""The mutation that cancels a job of any kind."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.collecting import end_collecting
from gateway.catalog.dicom_jobs import cancel_dicom_job
from gateway.catalog.folder_copies import end_folder_copy
from gateway.catalog.ingestion.job_state import cancel_job as cancel_upload_job
from gateway.catalog.ingestion.job_state import cancel_jobs_of_sync, lock_job
from gateway.catalog.jobs import TERMINAL, lock_job_row
from gateway.catalog.reencoding import cancel_reencode_job, lock_reencode_job
from gateway.catalog.sync_jobs import cancel_sync
from gateway.context import Context
from gateway.errors import conflict, not_found
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.jobs import JobRecord, jobs
from resolvers.inputs.jobs import CancelJobInput
from resolvers.mutations.syncs import MAX_JOBS_CANCELLED
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER


@dataclass(frozen=True, slots=True)
class CancelJobOutcome(Outcome):
    """Outcome of `cancelJob`."""

    job_uuid: UUID | None = None


@requires(USER.on_job("job_uuid"))
async def cancel_job(
    context: Context, input: CancelJobInput, permissions: Permissions
) -> CancelJobOutcome:
    """Cancel a job of any kind: units that are not done are cancelled, and what is done is kept.

    It does the same as the mutation for the job's kind. A sync may end a little later. Deletions,
    the linking of a folder's items and the indexing of a tag cannot be cancelled (`CONFLICT`).
    Cancelling a job that has ended succeeds and changes nothing.
    """
    services, uuid, viewer = context.services, input.job_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        job = await transaction.first(sa.select(jobs).where(jobs.c.uuid == uuid), JobRecord)
        if job is None:
            raise not_found("job", uuid, "jobUuid")
        await permissions.check_job(transaction, "job_uuid", job)
        match job.kind:
            case JobKind.UPLOAD:
                if locked := await lock_job(transaction, uuid):
                    await cancel_upload_job(transaction, services.queue, viewer, locked)
            case JobKind.CLOUD_SYNC:
                await cancel_sync(transaction, services.queue, viewer, job)
            case JobKind.REENCODE:
                if locked := await lock_reencode_job(transaction, uuid):
                    await cancel_reencode_job(transaction, services.queue, viewer, locked)
            case JobKind.COLLECTING:
                await end_collecting(transaction, uuid, JobStatus.CANCELLED)
            case JobKind.FOLDER_COPY:
                status = JobStatus.CANCELLED
                await end_folder_copy(transaction, services.queue, uuid, status)
            case JobKind.DICOM_DELETION | JobKind.DICOM_COPY:
                if locked := await lock_job_row(transaction, job.kind, uuid):
                    await cancel_dicom_job(transaction, services.queue, viewer, locked)
            case JobKind.DELETION if job.status not in TERMINAL:
                message = "What it removes has been deleted, so it cannot be cancelled."
                raise conflict(message, "jobUuid")
            case JobKind.LINKING if job.status not in TERMINAL:
                message = "The dataset mirrors the folder: delete the dataset instead."
                raise conflict(message, "jobUuid")
            case JobKind.INDEXING if job.status not in TERMINAL:
                raise conflict("Remove the indexed tag instead.", "jobUuid")
    if job.kind is JobKind.CLOUD_SYNC:
        await cancel_jobs_of_sync(services, viewer, uuid, limit=MAX_JOBS_CANCELLED)
    return CancelJobOutcome(job_uuid=uuid)
