"""Inputs of mutations of cloud-synced folders and their syncs."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import SidecarMatcherMode
from gateway.scalars import URL
from resolvers.inputs.descriptions import IDEMPOTENCY_KEY


@strawberry.input(
    description="The bucket or prefix that a new folder mirrors. It cannot be changed later."
)
class CloudSyncedFolderInput:
    integration_uuid: UUID = strawberry.field(
        description="UUID of the cloud integration that gives access to the bucket. Requires `USER` "
        "on it."
    )
    remote_url: URL = strawberry.field(
        description="URL of the bucket, or of a prefix of keys, within the integration's "
        "locations: `s3://bucket/path/`, `gs://bucket/path/`, "
        "`https://account.blob.core.windows.net/container/path/` or, for S3-compatible stores, "
        "`https://endpoint/bucket/path/`. A missing slash at the end is added. Objects at every "
        "depth are mirrored."
    )


@strawberry.input(description="The cloud-synced folder to sync.")
class StartCloudFolderSyncInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of a folder that was created with `cloudSync`."
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Whether to only count differences and change nothing.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The sync to cancel.")
class CancelCloudFolderSyncInput:
    cloud_sync_job_uuid: UUID = strawberry.field(description="UUID of the sync.")


@strawberry.input(
    description="Rule that recognizes sidecars: files that contain metadata for the files next to "
    "them."
)
class SidecarMatcherInput:
    mode: SidecarMatcherMode = strawberry.field(
        default=SidecarMatcherMode.SUFFIX, description="Method by which sidecars are recognized."
    )
    suffix: str = strawberry.field(
        default=".metadata.json",
        description="End of a sidecar's name, 1 to 128 characters. With `.metadata.json`, "
        "`cat.png.metadata.json` describes `cat.png`.",
    )


@strawberry.input(
    description="Settings for attaching sidecars as metadata to the items of a folder."
)
class MetadataIngestionInput:
    matcher: SidecarMatcherInput | None = strawberry.field(
        default=None,
        description="Rule that recognizes sidecars; files ending in `.metadata.json` if omitted.",
    )
    paused: bool = strawberry.field(
        default=False,
        description="Whether reading sidecars is paused. Paused or not, sidecars do not become items.",
    )


@strawberry.input(description="Sidecar settings of a cloud-synced folder.")
class SetFolderMetadataIngestionInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of a folder that was created with `cloudSync`."
    )
    metadata_ingestion: MetadataIngestionInput | None = strawberry.field(
        description="The new settings, which replace all current ones and apply from the next "
        "sync on. Null treats sidecars like any other file."
    )


@strawberry.input(description="Automatic syncing of a cloud-synced folder.")
class SetFolderAutoSyncInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of a folder that was created with `cloudSync`."
    )
    auto_sync: bool = strawberry.field(
        description="Whether to sync the folder automatically every 24 hours."
    )
