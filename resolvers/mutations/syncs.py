"""Mutations of cloud-synced folders: how they sync, and the syncs themselves."""

from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.folders import Link, update_folders
from gateway.catalog.ingestion.job_state import cancel_jobs_of_sync
from gateway.catalog.integrations import open_integration
from gateway.catalog.jobs import find_job, folder_of
from gateway.catalog.ledger.row_edits import lock_row
from gateway.catalog.sync_jobs import cancel_sync, find_running_sync, start_sync
from gateway.clouds.base import ObjectLocation
from gateway.clouds.urls import allowed_location, object_url
from gateway.context import Context
from gateway.error_texts import between, sized
from gateway.errors import DomainError, bad_input, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import JobKind, JobStatus, StorageFolderType
from gateway.models.folders import FolderRecord, folders
from resolvers.idempotency import run_once
from resolvers.inputs.syncs import (
    CancelCloudFolderSyncInput,
    CloudSyncedFolderInput,
    SetFolderAutoSyncInput,
    SetFolderMetadataIngestionInput,
    SidecarMatcherInput,
    StartCloudFolderSyncInput,
)
from resolvers.mutations.sync_rules import sync_rules
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER

MAX_SUFFIX = 128
MAX_INTERVAL_HOURS = 7 * 24
MAX_JOBS_CANCELLED = 8
"""Upload jobs of a sync that are cancelled before the response, which takes some seconds.

A task cancels the others.
"""


class StoredSync(TypedDict):
    """The job of a started sync, as stored under an idempotency key."""

    job: str
    was_running: bool


@dataclass(frozen=True, slots=True)
class StartCloudFolderSyncOutcome(Outcome):
    """Outcome of `startCloudFolderSync`."""

    cloud_sync_job_uuid: UUID | None = None
    was_running: bool | None = None


@requires(USER.on_folder("folder_uuid"))
async def start_cloud_folder_sync(
    context: Context, input: StartCloudFolderSyncInput, permissions: Permissions
) -> StartCloudFolderSyncOutcome:
    """Start a sync of a cloud-synced folder with its bucket; follow it with `cloudSyncJobUpdated`.

    New objects become items and changed objects are read again. Items whose objects are gone become
    tombstones, and are restored when the objects return. The folder's settings select the
    objects to mirror, whose extensions, or else contents, decide their kinds. All others are listed
    in `CloudSyncJob.skippedObjects` with the reason.

    If a sync of the folder is running, that sync is returned and none is started. Fails with
    `CONFLICT` while it is being cancelled, or if only one of the two is a dry run. If the bucket
    cannot be listed, the store's error is returned at `folderUuid`.
    """
    uuid, viewer = input.folder_uuid, context.viewer.user_uuid
    folder = await _cloud_synced_folder(context, uuid, permissions)
    assert folder.integration_uuid  # a cloud-synced folder has both
    assert folder.remote_url
    try:
        _, cloud = await open_integration(context.services, folder.integration_uuid)
        await cloud.list_objects(cloud.locate(folder.remote_url), size=1)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("folderUuid",)) from None
    async with context.database.writing() as transaction:
        await lock_row(transaction, FolderRecord, uuid, "folder", "folderUuid")
        await permissions.check(transaction)

        async def start() -> StoredSync:
            running = await find_running_sync(transaction, uuid)
            if running is None:
                queue = context.services.queue
                job = await start_sync(transaction, queue, viewer, uuid, is_dry_run=input.dry_run)
                return {"job": str(job), "was_running": False}
            if running.ends_as is JobStatus.CANCELLED:
                message = (
                    "The cancelled sync has not ended yet. Wait until it has, then start another."
                )
                raise conflict(message, "folderUuid")
            if running.is_dry_run != input.dry_run:
                kind = "dry run" if running.is_dry_run else "sync"
                message = (
                    f"A {kind} of this folder is in progress. Wait until it ends, or cancel it."
                )
                raise conflict(message, "dryRun")
            return {"job": str(running.uuid), "was_running": True}

        stored = await run_once(context, transaction, "startCloudFolderSync", input, start)
    return StartCloudFolderSyncOutcome(
        cloud_sync_job_uuid=UUID(stored["job"]), was_running=stored["was_running"]
    )


@dataclass(frozen=True, slots=True)
class CancelCloudFolderSyncOutcome(Outcome):
    """Outcome of `cancelCloudFolderSync`."""

    cloud_sync_job_uuid: UUID | None = None


@requires(USER.on_folder_of("cloud_sync_job_uuid", "sync"))
async def cancel_cloud_folder_sync(
    context: Context, input: CancelCloudFolderSyncInput, permissions: Permissions
) -> CancelCloudFolderSyncOutcome:
    """Cancel a sync: it stops listing the bucket and reading objects.

    Items that it has created or changed are kept. Usually the sync has ended when this returns; if
    many objects are waiting to be read, its status changes a little later. Cancelling a sync that
    has ended succeeds and changes nothing.
    """
    services, uuid, viewer = context.services, input.cloud_sync_job_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        job = await find_job(transaction, JobKind.CLOUD_SYNC, uuid)
        if job is None:
            raise not_found("sync", uuid, "cloudSyncJobUuid")
        await permissions.check_folder_of(transaction, "cloud_sync_job_uuid", folder_of(job))
        await cancel_sync(transaction, services.queue, viewer, job)
    await cancel_jobs_of_sync(services, viewer, uuid, limit=MAX_JOBS_CANCELLED)
    return CancelCloudFolderSyncOutcome(cloud_sync_job_uuid=uuid)


@dataclass(frozen=True, slots=True)
class SetFolderMetadataIngestionOutcome(Outcome):
    """Outcome of `setFolderMetadataIngestion`."""

    folder_uuid: UUID | None = None


@requires(ADMIN.on_folder("folder_uuid"))
async def set_folder_metadata_ingestion(
    context: Context, input: SetFolderMetadataIngestionInput, permissions: Permissions
) -> SetFolderMetadataIngestionOutcome:
    """Configure how syncs of a cloud-synced folder read sidecars, or turn this off.

    A sidecar is an object that is named like the object that it describes, followed by the suffix,
    and contains a JSON object. Whenever a sync finds that a sidecar has changed, its content
    replaces the item's `clientMetadata`. Sidecars do not become items. Omitted settings get their
    defaults. Fails with `BAD_USER_INPUT` if the folder is not cloud-synced.
    """
    settings, values = input.metadata_ingestion, None
    if settings is not None:
        suffix = (settings.matcher or SidecarMatcherInput()).suffix
        if not 1 <= len(suffix) <= MAX_SUFFIX:
            path = ("metadataIngestion", "matcher", "suffix")
            raise bad_input(sized("suffix", 1, MAX_SUFFIX, len(suffix)), *path)
        values = {"suffix": suffix, "paused": settings.paused}
    await _configure(context, input.folder_uuid, permissions, {"metadata_ingestion": values})
    return SetFolderMetadataIngestionOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class SetFolderAutoSyncOutcome(Outcome):
    """Outcome of `setFolderAutoSync`."""

    folder_uuid: UUID | None = None


@requires(ADMIN.on_folder("folder_uuid"))
async def set_folder_auto_sync(
    context: Context, input: SetFolderAutoSyncInput, permissions: Permissions
) -> SetFolderAutoSyncOutcome:
    """Turn automatic syncing of a cloud-synced folder on or off, and set its interval.

    Fails with `BAD_USER_INPUT` if the folder is not cloud-synced. A sync is started within ten
    minutes of when it is due.
    """
    values: dict[str, Any] = {"auto_sync": input.auto_sync}
    if input.interval_hours is not None:
        if not 1 <= input.interval_hours <= MAX_INTERVAL_HOURS:
            message = between("intervalHours", 1, MAX_INTERVAL_HOURS, input.interval_hours)
            raise bad_input(message, "intervalHours")
        values["auto_sync_hours"] = input.interval_hours
    await _configure(context, input.folder_uuid, permissions, values)
    return SetFolderAutoSyncOutcome(folder_uuid=input.folder_uuid)


async def _configure(
    context: Context, uuid: UUID, permissions: Permissions, values: dict[str, Any]
) -> None:
    """Set columns of a cloud-synced folder."""
    await _cloud_synced_folder(context, uuid, permissions)
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        folder = await lock_row(transaction, FolderRecord, uuid, "folder", "folderUuid")
        await update_folders(transaction, viewer, {uuid: values}, {uuid: folder})


async def _cloud_synced_folder(
    context: Context, uuid: UUID, permissions: Permissions
) -> FolderRecord:
    """Check the permissions on a folder and return it; it must be cloud-synced."""
    async with context.database.reading() as connection:
        await permissions.check(connection)
    selected = sa.select(folders).where(folders.c.uuid == uuid)
    [folder] = await context.database.rows(selected, FolderRecord)
    if folder.folder_type is not StorageFolderType.CLOUD_LINKED:
        raise bad_input("The folder is not cloud-synced.", "folderUuid")
    return folder


async def check_link(
    context: Context, input: CloudSyncedFolderInput, permissions: Permissions
) -> Link:
    """Return the link of a new cloud-synced folder, once its bucket or prefix can be listed."""
    path = ("cloudSync", "integrationUuid")
    rules = sync_rules(input, "cloudSync")
    async with context.database.reading() as connection:
        await permissions.check(connection, "cloud_sync.integration_uuid")
    try:
        _, cloud = await open_integration(context.services, input.integration_uuid)
    except FetchError as error:
        raise DomainError(error.code, error.message, path) from None
    try:
        # A prefix ends in a slash; a whole bucket has the empty prefix.
        named = allowed_location(cloud.account, f"{input.remote_url.rstrip('/')}/")
    except ValueError as error:
        raise bad_input(str(error), "cloudSync", "remoteUrl") from None
    location = ObjectLocation(named.bucket, named.key if named.key.strip("/") else "")
    try:
        await cloud.list_objects(location, size=1)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("cloudSync", "remoteUrl")) from None
    return Link(
        StorageFolderType.CLOUD_LINKED,
        input.integration_uuid,
        object_url(cloud.account, location),
        **rules,
    )
