"""Payloads of mutations of syncs and of cloud-synced folders."""

from __future__ import annotations

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.syncs import sync_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.syncs import CloudSyncJob


@row_type()
@strawberry.type(description="Result of `startCloudFolderSync`.")
class StartCloudFolderSyncPayload:
    cloud_sync_job: CloudSyncJob | None = resolved(
        sync_by_uuid, "The new sync, or the one that was already running."
    )
    was_running: bool | None = column(
        "Whether a sync of the folder was already running, which is then returned."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `cancelCloudFolderSync`.")
class CancelCloudFolderSyncPayload:
    cloud_sync_job: CloudSyncJob | None = resolved(sync_by_uuid, "The cancelled sync.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setFolderMetadataIngestion`.")
class SetFolderMetadataIngestionPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setFolderAutoSync`.")
class SetFolderAutoSyncPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    user_errors: list[UserError] = column(USER_ERRORS)
