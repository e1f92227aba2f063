"""How upload jobs are started and cancelled."""

from typing import Any
from uuid import UUID

from gateway.auth.roles import require, roles_on_folders
from gateway.catalog.jobs import cancel_job, held_job
from gateway.catalog.starting import JobTerms, start_job
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.errors import bad_input, not_found
from gateway.kinds import StorageUserRole
from resolvers.doors import folder_door, needs
from resolvers.idempotency import once
from resolvers.inputs.uploads import CancelUploadJobInput, DataUploadItemsInput, StartUploadJobInput
from resolvers.mutations.plans import Terms, read_plans
from resolvers.outcomes import Outcome


@needs("USER on the folder")
async def start_upload_job(context: Context, input: StartUploadJobInput) -> Outcome:
    """Start a job that makes items of uploaded files (ENC-FOLDEROP-32); watch it with `uploadJobUpdated`."""
    plans = read_plans(Terms(context.services.fetch_rules), input.items, "items")
    _check_upsert(input.items, "items")
    terms = JobTerms(input.ignore_errors, input.items.skip_duplicate_urls, input.items.upsert_metadata)
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await folder_door(context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid")

        async def work() -> dict[str, Any]:
            queue, viewer = context.services.queue, context.viewer
            job = await start_job(transaction, queue, viewer, input.folder_uuid, plans, terms)
            return {"job": str(job)}

        done = await once(context, transaction, "startUploadJob", input, work)
    return Outcome(upload_job_uuid=UUID(done["job"]))


@needs("USER on the job's folder")
async def cancel_upload_job(context: Context, input: CancelUploadJobInput) -> Outcome:
    """Give up what a job has not done; what is done stays (ENC-FOLDEROP-34). A job that has ended is left as it is."""
    services, uuid = context.services, input.upload_job_uuid
    async with context.database.writing() as transaction:
        job = await held_job(transaction, uuid)
        if job is None:
            raise not_found("upload job", "uploadJobUuid")
        held = await roles_on_folders(transaction.connection, context.viewer, [job.folder_uuid])
        require(held.get(job.folder_uuid), StorageUserRole.USER, "upload job", "uploadJobUuid")
        cancelled = await cancel_job(transaction, services.queue, services.events, context.viewer.user_uuid, job)
    return Outcome(upload_job_uuid=uuid, units_cancelled_count=cancelled)


def _check_upsert(asked: DataUploadItemsInput, *path: str) -> None:
    """What would be ignored is refused (SUB-051)."""
    if asked.upsert_metadata and not asked.skip_duplicate_urls:
        raise bad_input("upsertMetadata needs skipDuplicateUrls.", *path, "upsertMetadata")
