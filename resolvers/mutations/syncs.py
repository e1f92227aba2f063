"""How folders are linked to buckets, and how their syncs are started and cancelled."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import require_role, roles_on_folders, roles_on_integrations
from gateway.catalog.folders import Link, update_folders
from gateway.catalog.ingestion.job_state import cancel_jobs_of_sync
from gateway.catalog.integrations import open_integration
from gateway.catalog.ledger.row_edits import locked_row
from gateway.catalog.sync_jobs import cancel_sync, find_running_sync, start_sync
from gateway.clouds.base import ObjectLocation
from gateway.clouds.cloud import Cloud
from gateway.clouds.urls import allowed_location, object_url
from gateway.context import Context
from gateway.errors import DomainError, bad_input, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import CloudSyncJobStatus, StorageFolderType, StorageUserRole
from gateway.models.folders import FolderRecord, folders
from gateway.models.syncs import cloud_sync_jobs
from resolvers.idempotency import run_once
from resolvers.inputs.syncs import (
    CancelCloudFolderSyncInput,
    CloudSyncedFolderInput,
    SetFolderAutoSyncInput,
    SetFolderMetadataIngestionInput,
    SidecarMatcherInput,
    StartCloudFolderSyncInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import require_folder_role, requires

MAX_SUFFIX = 128
JOBS_AT_ONCE = 8
"""So many upload jobs of a sync, each of a page, are cancelled before that is answered, which takes some seconds."""


@dataclass(frozen=True, slots=True)
class StartCloudFolderSyncOutcome(Outcome):
    """Outcome of `startCloudFolderSync`."""

    cloud_sync_job_uuid: UUID | None = None
    was_running: bool | None = None


@requires("USER on the folder")
async def start_cloud_folder_sync(
    context: Context, input: StartCloudFolderSyncInput
) -> StartCloudFolderSyncOutcome:
    """Bring a linked folder into line with its bucket (ENC-FOLDEROP-35); watch it with `cloudSyncJobUpdated`.

    New objects become items, changed ones are read again, items of vanished ones become tombstones, and are none any
    more when their objects return. Images, videos, audio, text, HTML, PDFs, DICOM files and NIfTI volumes are taken, by
    the endings of their names; others are passed over and counted (ENC-SYNCSEM-05). While a sync of the folder runs no
    second one is begun: the answer is the one that runs, or `CONFLICT` while that is being cancelled.
    """
    uuid, user_uuid = input.folder_uuid, context.viewer.user_uuid
    await _check_access(context, await _linked(context, uuid, StorageUserRole.USER))
    async with context.database.writing() as transaction:
        await locked_row(transaction, FolderRecord, uuid, "folder", "folderUuid")
        await require_folder_role(context, transaction, uuid, StorageUserRole.USER, "folderUuid")

        async def work() -> dict[str, Any]:
            running = await find_running_sync(transaction, uuid)
            if running and running.ends_as is CloudSyncJobStatus.CANCELLED:
                raise conflict(
                    "The sync before is still being cancelled: start another once it has ended.",
                    "folderUuid",
                )
            if running and running.is_dry_run != input.dry_run:
                raise conflict(
                    "Another sync runs, which is dry where this is not, or the reverse.", "dryRun"
                )
            queue, dry = context.services.queue, input.dry_run
            started = running or await start_sync(
                transaction, queue, user_uuid, uuid, is_dry_run=dry
            )
            return {"job": str(running.uuid if running else started), "was_running": bool(running)}

        done = await run_once(context, transaction, "startCloudFolderSync", input, work)
    return StartCloudFolderSyncOutcome(
        cloud_sync_job_uuid=UUID(done["job"]), was_running=done["was_running"]
    )


@dataclass(frozen=True, slots=True)
class CancelCloudFolderSyncOutcome(Outcome):
    """Outcome of `cancelCloudFolderSync`."""

    cloud_sync_job_uuid: UUID | None = None


@requires("USER on the sync's folder")
async def cancel_cloud_folder_sync(
    context: Context, input: CancelCloudFolderSyncInput
) -> CancelCloudFolderSyncOutcome:
    """Give up what a sync has not done; what is done stays. One that has ended is left as it is.

    It looks no further, and begins to read nothing more, as soon as this is answered. By then it is over as a rule; if
    very much waited, its status changes a little later.
    """
    services, uuid, user_uuid = (
        context.services,
        input.cloud_sync_job_uuid,
        context.viewer.user_uuid,
    )
    async with context.database.writing() as transaction:
        row = await transaction.first(
            sa.select(cloud_sync_jobs).where(cloud_sync_jobs.c.uuid == uuid)
        )
        if row is None:
            raise not_found("sync", "cloudSyncJobUuid")
        held = await roles_on_folders(transaction.connection, context.viewer, [row.folder_uuid])
        require_role(held.get(row.folder_uuid), StorageUserRole.USER, "sync", "cloudSyncJobUuid")
        await cancel_sync(transaction, services.queue, services.events, user_uuid, row)
    await cancel_jobs_of_sync(services, user_uuid, uuid, most=JOBS_AT_ONCE)
    return CancelCloudFolderSyncOutcome(cloud_sync_job_uuid=uuid)


@dataclass(frozen=True, slots=True)
class SetFolderMetadataIngestionOutcome(Outcome):
    """Outcome of `setFolderMetadataIngestion`."""

    folder_uuid: UUID | None = None


@requires("ADMIN on the folder")
async def set_folder_metadata_ingestion(
    context: Context, input: SetFolderMetadataIngestionInput
) -> SetFolderMetadataIngestionOutcome:
    """Have files of metadata attached to the items that they lie beside (ENC-FOLDEROP-17, ENC-SYNCSEM-09).

    A file whose name is that of another and the suffix is a JSON object, which replaces the other's `clientMetadata`
    whenever it was changed; it is no item itself. All that is not given falls back to what is usual.
    """
    given, values = input.metadata_ingestion, None
    if given is not None:
        suffix = (given.matcher or SidecarMatcherInput()).suffix
        if not 1 <= len(suffix) <= MAX_SUFFIX:
            path = ("metadataIngestion", "matcher", "suffix")
            raise bad_input(f"A suffix has 1 to {MAX_SUFFIX} characters.", *path)
        values = {"suffix": suffix, "paused": given.paused}
    await _configured(context, input.folder_uuid, {"metadata_ingestion": values})
    return SetFolderMetadataIngestionOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class SetFolderAutoSyncOutcome(Outcome):
    """Outcome of `setFolderAutoSync`."""

    folder_uuid: UUID | None = None


@requires("ADMIN on the folder")
async def set_folder_auto_sync(
    context: Context, input: SetFolderAutoSyncInput
) -> SetFolderAutoSyncOutcome:
    """Have a linked folder synced once every 24 hours, or no longer (ENC-SYNCSEM-07)."""
    await _configured(context, input.folder_uuid, {"auto_sync": input.auto_sync})
    return SetFolderAutoSyncOutcome(folder_uuid=input.folder_uuid)


async def _configured(context: Context, uuid: UUID, values: dict[str, Any]) -> None:
    await _linked(context, uuid, StorageUserRole.ADMIN)
    async with context.database.writing() as transaction:
        present = await locked_row(transaction, FolderRecord, uuid, "folder", "folderUuid")
        await update_folders(transaction, context.viewer.user_uuid, {uuid: values}, {uuid: present})


async def link_of(context: Context, input: CloudSyncedFolderInput) -> Link:
    """The link that a new folder is to have, once what it is to mirror can be listed."""
    async with context.database.reading() as connection:
        held = await roles_on_integrations(connection, context.viewer, [input.integration_uuid])
    path = ("cloudSync", "integrationUuid")
    require_role(held.get(input.integration_uuid), StorageUserRole.USER, "cloud integration", *path)
    try:
        _, cloud = await open_integration(context.services, input.integration_uuid)
    except FetchError as error:
        raise DomainError(error.code, error.message, path) from None
    try:
        place = _top(cloud, input.remote_url)
        await cloud.list_objects(place, size=1)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("cloudSync", "remoteUrl")) from None
    return Link(
        StorageFolderType.CLOUD_LINKED, input.integration_uuid, object_url(cloud.account, place)
    )


def _top(cloud: Cloud, url: str) -> ObjectLocation:
    """What a URL names as a whole bucket or a prefix that ends in a slash."""
    try:
        named = allowed_location(cloud.account, f"{url.rstrip('/')}/")
    except ValueError as error:
        raise bad_input(str(error), "cloudSync", "remoteUrl") from None
    return ObjectLocation(named.bucket, named.key if named.key.strip("/") else "")


async def _linked(context: Context, uuid: UUID, role: StorageUserRole) -> Any:
    """The row of a linked folder on which the viewer holds the role."""
    async with context.database.reading() as connection:
        held = await roles_on_folders(connection, context.viewer, [uuid])
    require_role(held.get(uuid), role, "folder", "folderUuid")
    [row] = await context.database.rows(sa.select(folders).where(folders.c.uuid == uuid))
    if row.folder_type is not StorageFolderType.CLOUD_LINKED:
        raise bad_input("This folder was not made to mirror a bucket.", "folderUuid")
    return row


async def _check_access(context: Context, folder: Any) -> None:
    try:
        _, cloud = await open_integration(context.services, folder.integration_uuid)
        await cloud.list_objects(cloud.locate(folder.remote_url), size=1)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("folderUuid",)) from None
