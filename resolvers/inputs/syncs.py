"""Inputs of mutations of cloud-synced folders and their syncs."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import SidecarMatcherMode
from gateway.kinds.item_kinds import StorageItemType
from gateway.scalars import URL
from resolvers.inputs.descriptions import IDEMPOTENCY_KEY

INCLUDE_OTHER_FILES = (
    "Whether syncs also mirror objects whose extension does not indicate a kind, and empty ones. "
    "Their content decides their kind; what is not recognized becomes a `FILE`."
)
SYNCED_ITEM_TYPE = (
    "The kind as which all mirrored objects are read, whatever their extensions; it must be one that "
    "a single file can be. Objects with other content fail. Null if the extension or the content "
    "of each object decides."
)
_PATTERNS = (
    "At most 100 patterns of 1 to 1,000 characters: `*` stands for any characters but a slash, `?` "
    "for one, `[a-z]` for one of several, and `**` between slashes for any number of prefixes. A "
    "pattern without a slash is compared with the last part of a key, others with all that follows "
    "the folder's prefix. Patterns are case-sensitive."
)
INCLUDE_PATTERNS = f"Keys must match at least one of these patterns, if there are any. {_PATTERNS}"
EXCLUDE_PATTERNS = f"Keys must match none of these patterns. {_PATTERNS}"


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
    include_other_files: bool = strawberry.field(default=False, description=INCLUDE_OTHER_FILES)
    synced_item_type: StorageItemType | None = strawberry.field(
        default=None, description=SYNCED_ITEM_TYPE
    )
    include_patterns: list[str] | None = strawberry.field(
        default=None, description=INCLUDE_PATTERNS
    )
    exclude_patterns: list[str] | None = strawberry.field(
        default=None, description=EXCLUDE_PATTERNS
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
    auto_sync: bool = strawberry.field(description="Whether to sync the folder automatically.")
    interval_hours: int | None = strawberry.field(
        default=None,
        description="Hours between automatic syncs, 1 to 168. Unchanged if omitted, and 24 at first.",
    )
