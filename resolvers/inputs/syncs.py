"""What a client sends to link folders to buckets, and to sync them."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import SidecarMatcherMode
from resolvers.inputs.scalars import URL

_KEY = "The same key within 24 hours gives the same answer instead of doing it again."


@strawberry.input(description="What a folder is to mirror, for good (ENC-CSF).")
class CloudSyncedFolderInput:
    integration_uuid: UUID = strawberry.field(
        description="The cloud integration by which the bucket is reached."
    )
    remote_url: URL = strawberry.field(
        description="The bucket, or a prefix of keys, within the locations of the integration: `s3://bucket/path/`, "
        "`gs://bucket/path/`, `https://account.blob.core.windows.net/container/path/` or, for a store that speaks S3, "
        "also `https://endpoint/bucket/path/`. A slash is added at its end if there is none. Objects are mirrored at "
        "every depth. It cannot be changed later (ENC-SYNCSEM-08)."
    )


@strawberry.input(description="A linked folder to be brought into line with its bucket.")
class StartCloudFolderSyncInput:
    folder_uuid: UUID = strawberry.field(description="A folder that was made with `cloudSync`.")
    dry_run: bool = strawberry.field(
        default=False,
        description="Whether only to count what a sync would do, and to change nothing.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="A sync to be given up.")
class CancelCloudFolderSyncInput:
    cloud_sync_job_uuid: UUID = strawberry.field(description="The sync.")


@strawberry.input(description="Which files are metadata of the files beside them (ENC-SIDE).")
class SidecarMatcherInput:
    mode: SidecarMatcherMode = strawberry.field(
        default=SidecarMatcherMode.SUFFIX, description="How they are told from others."
    )
    suffix: str = strawberry.field(
        default=".metadata.json", description="What their names end in, 1 to 128 characters."
    )


@strawberry.input(description="How metadata that lies beside files gets to their items (ENC-MING).")
class MetadataIngestionInput:
    matcher: SidecarMatcherInput | None = strawberry.field(
        default=None,
        description="Which files they are; those that end in `.metadata.json` if absent.",
    )
    paused: bool = strawberry.field(
        default=False, description="Whether to leave them alone; even so they become no items."
    )


@strawberry.input(description="How a linked folder is to deal with metadata beside files.")
class SetFolderMetadataIngestionInput:
    folder_uuid: UUID = strawberry.field(description="A folder that was made with `cloudSync`.")
    metadata_ingestion: MetadataIngestionInput | None = strawberry.field(
        description="What holds from the next sync on, in place of what held before; null makes them files as others."
    )


@strawberry.input(description="Whether a linked folder is synced without anybody asking for it.")
class SetFolderAutoSyncInput:
    folder_uuid: UUID = strawberry.field(description="A folder that was made with `cloudSync`.")
    auto_sync: bool = strawberry.field(description="Whether to sync it once every 24 hours.")
