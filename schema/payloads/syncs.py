"""What mutations of syncs answer."""

from __future__ import annotations

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.syncs import sync_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.syncs import CloudSyncJob


@of()
@strawberry.type(description="The sync of the folder.")
class StartCloudFolderSyncPayload:
    cloud_sync_job: CloudSyncJob | None = resolved(
        sync_by_uuid, "The sync that was started, or that runs already."
    )
    was_running: bool | None = column("Whether it was there before.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The sync that was cancelled.")
class CancelCloudFolderSyncPayload:
    cloud_sync_job: CloudSyncJob | None = resolved(sync_by_uuid, "The sync.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder with how it deals with metadata now.")
class SetFolderMetadataIngestionPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder with whether it is synced by itself now.")
class SetFolderAutoSyncPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder as it is now.")
    user_errors: list[UserError] = column(REFUSED)
