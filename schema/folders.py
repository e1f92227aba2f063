"""Folders, their summaries, grants and configuration."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.downloads import DownloadUnavailableReason
from gateway.kinds.enums import (
    FolderVisibility,
    PhiPolicy,
    SidecarMatcherMode,
    StorageFolderType,
    StorageUserRole,
)
from gateway.kinds.item_kinds import StorageItemType
from gateway.scalars import JSON, URL, BigInt
from resolvers import (
    access,
    archives,
    changes,
    download_manifests,
    folders,
    integrations,
    paths,
    tags,
)
from schema.common import CAPPED, Connection, Node, PageInfo, capped_page, counted_page, page_itself
from schema.fields import column, is_named, resolved, row_type
from schema.integrations import CloudIntegration
from schema.people import Group, User
from schema.revisions import ContentStats
from schema.signed_urls import SignedUrl
from schema.tags import OrganisationTag

if TYPE_CHECKING:
    from schema.access import FolderPermissions
    from schema.changes import StorageChangeConnection
    from schema.datasets import Dataset
    from schema.download_manifests import DownloadManifestConnection
    from schema.items import StorageItemConnection
    from schema.syncs import CloudSyncJobConnection
    from schema.uploads import UploadJobConnection

Items = Annotated["StorageItemConnection", strawberry.lazy("schema.items")]


@row_type()
@strawberry.type(description="A folder on the path from a folder to its root.")
class StoragePathElement:
    id: strawberry.ID = resolved(folders.id_of, "The folder's global ID, for use with `node`.")
    uuid: UUID = column("The folder's UUID.")
    parent_uuid: UUID | None = resolved(
        folders.visible_parent_uuid,
        "The UUID of its parent. Null for a root folder, and where the part of the tree that the "
        "viewer can see begins.",
    )
    name: str = column("The folder's name.")
    mirror_dataset_uuid: UUID | None = resolved(
        folders.mirror_uuid_of,
        "The UUID of the dataset that mirrors the folder. Null if there is none or the viewer "
        "cannot see it.",
    )


@row_type()
@strawberry.type(
    description="Counts of a folder's contents. Tombstones and placeholders are counted in their "
    "own fields only."
)
class StorageFolderSummary:
    files: BigInt = column(
        "Number of files that items of all kinds have in their newest revisions."
    )
    folders: BigInt = resolved(
        folders.visible_subfolders,
        "Number of direct subfolders or, with `recursive`, of all folders below, of those that the "
        "viewer can see.",
    )
    videos: BigInt = column("Number of videos.")
    images: BigInt = column("Number of images, including those that belong to groups.")
    groups: BigInt = column("Number of data groups.")
    image_groups: BigInt = column("Number of image groups.")
    image_sequences: BigInt = column("Number of image sequences.")
    dicom_files: BigInt = column("Number of DICOM files, including those that belong to series.")
    dicom_series: BigInt = column("Number of DICOM series.")
    audios: BigInt = column("Number of audio files.")
    time_series: BigInt = column("Number of time series.")
    niftis: BigInt = column("Number of NIfTI volumes.")
    plain_texts: BigInt = column("Number of text files.")
    pdfs: BigInt = column("Number of PDF documents.")
    scenes: BigInt = column("Number of scenes.")
    other_files: BigInt = column(
        "Number of items of the type `FILE`, which have files of other formats, or several files."
    )
    tombstones: BigInt = column("Number of items whose object no longer exists at its source.")
    placeholders: BigInt = column("Number of items that have been announced but not processed yet.")
    upload_jobs: BigInt = column("Number of upload jobs, finished ones included.")
    total_size: BigInt = column("Total size of the files in bytes.")
    shared_items: BigInt = column(
        "Number of items that are shared into the folder and have their home elsewhere. They are counted "
        "in no other field, nor is their size."
    )


@row_type()
@strawberry.type(description="A group that has a role on a folder.")
class StorageFolderGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Position of the group in this list, for use with `after` or `before`.")
    role: StorageUserRole = resolved(
        folders.role_on_edge, "The group's role on the folder and everything below it."
    )
    sees_phi: bool = resolved(
        folders.sees_phi_on_edge,
        "Whether the grant lets the group see what identifies patients where the folder, or one "
        "below it, is masked.",
    )


@row_type()
@strawberry.type(description="A page of the user groups that have a role on a folder.")
class StorageFolderGroupConnection:
    edges: list[StorageFolderGroupEdge] = column("The groups with their roles and cursors.")
    nodes: list[Group] = column("The groups on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of groups in the whole list. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(
    description="Rule that recognizes sidecars: files that contain metadata for the files next to "
    "them."
)
class SidecarMatcher:
    mode: SidecarMatcherMode = column("Method by which sidecars are recognized.")
    suffix: str = column(
        "End of a sidecar's name. The rest is the name of the file that it describes: with "
        "`.metadata.json`, `cat.png.metadata.json` describes `cat.png`."
    )


@row_type()
@strawberry.type(
    description="Settings for attaching sidecars as metadata to the items of a cloud-synced "
    "folder. Sidecars never become items themselves."
)
class MetadataIngestionConfig:
    matcher: SidecarMatcher = column("Rule that recognizes sidecars.")
    paused: bool = column(
        "Whether reading sidecars is paused. Paused or not, sidecars do not become items."
    )


@row_type()
@strawberry.type(description="Settings of a folder.")
class StorageFolderConfig:
    metadata_ingestion: MetadataIngestionConfig | None = resolved(
        folders.ingestion_of,
        "Settings for sidecar metadata. Null if sidecars are treated like any other file.",
    )
    auto_sync: bool = column("Whether the folder is synced automatically.")
    auto_sync_interval_hours: int = resolved(
        folders.auto_sync_hours_of, "Hours between automatic syncs, if they are on."
    )
    include_other_files: bool = column(
        "Whether syncs also mirror objects whose extension does not indicate a kind, and empty "
        "ones. Their content decides their kind."
    )
    synced_item_type: StorageItemType | None = column(
        "The kind as which all mirrored objects are read. Null if the extension or the content of "
        "each decides."
    )
    include_patterns: list[str] = resolved(
        folders.include_patterns_of,
        "At most 100 patterns. If there are any, the key of a mirrored object matches at least one.",
    )
    exclude_patterns: list[str] = resolved(
        folders.exclude_patterns_of,
        "At most 100 patterns, none of which the key of a mirrored object matches.",
    )


@row_type(is_named("StorageFolder"))
@strawberry.type(
    description=(
        "A folder, which contains items and other folders. Roles granted on a folder apply to "
        "everything below it."
    )
)
class StorageFolder(Node):
    id: strawberry.ID = resolved(folders.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The folder's UUID.")
    parent: StorageFolder | None = resolved(
        folders.parent_of,
        "The parent folder. Null for a root folder, or if the viewer cannot see the parent.",
    )
    parent_uuid: UUID | None = resolved(
        folders.visible_parent_uuid, "The UUID of `parent`, and null whenever that is."
    )
    name: str = column("The folder's name. Names need not be unique.")
    description: str = column("Free-text description; empty by default.")
    client_metadata: JSON | None = column(
        "JSON object of any shape, stored for clients; null if never set, `{}` if emptied."
    )
    owner: User | None = resolved(
        folders.owner_of,
        "The user who created the folder, or whom it was handed over to. Null if that user has been "
        "deleted.",
    )
    offered_to: User | None = resolved(
        folders.offered_to,
        "The user to whom the owner has offered the folder, until they take it. Null if there is none.",
    )
    created_at: datetime = column("When the folder was created, in UTC.")
    last_edited_at: datetime = column(
        "When the folder's own attributes last changed, in UTC. Changes to its contents do not "
        "count."
    )
    viewer_role: StorageUserRole = resolved(
        folders.viewer_role_on, "The viewer's strongest role on the folder."
    )
    viewer_role_folder: StorageFolder | None = resolved(
        folders.viewer_role_folder_of,
        "The folder whose grant gives the viewer that role: this one or one above it. Null if "
        "the role comes from being a site admin, or from the folder being public.",
    )
    permissions: Annotated[FolderPermissions, strawberry.lazy("schema.access")] | None = resolved(
        access.permissions_on,
        "Everyone who may do something with the folder. Null unless the viewer is `ADMIN` of it, and "
        "with an API key for a folder.",
    )
    phi_policy: PhiPolicy = resolved(
        folders.phi_policy_of,
        "The policy in effect on data that identifies patients: `MASKED` if the folder or one above "
        "it is masked.",
    )
    visibility: FolderVisibility = resolved(
        folders.visibility_of,
        "The visibility in effect: as set on the folder, or inherited from the folder above. Root "
        "folders are `PRIVATE` unless they are made public.",
    )
    own_visibility: FolderVisibility | None = resolved(
        folders.own_visibility_of,
        "The visibility that is set on the folder itself. Null if it is inherited.",
    )
    mirror_dataset: Annotated[Dataset, strawberry.lazy("schema.datasets")] | None = resolved(
        folders.mirror_of,
        "The dataset that mirrors the folder. Null if there is none or the viewer cannot see it.",
    )
    mirror_dataset_uuid: UUID | None = resolved(
        folders.mirror_uuid_of, "The UUID of `mirrorDataset`, and null whenever that is."
    )
    path: str | None = resolved(
        paths.path_of_folder,
        "The names on the way to the folder from the topmost folder above it that the viewer can "
        "see, each after a slash: for `resourceByPath`, if they are unique within their folders. Null "
        "if the name of the topmost folder leads to another one, and the viewer may not read the "
        "address of its owner, by which there would be a path.",
    )
    path_to_root: list[StoragePathElement] = resolved(
        folders.path_to_root,
        "The folder itself, then the folders above it that the viewer can see, nearest first; at "
        "most 64.",
    )
    organisation_tags: Connection[OrganisationTag] = resolved(
        tags.tags_of_folder, "The folder's tags, by name."
    )
    folder_type: StorageFolderType = column("The kind of folder.")
    integration: CloudIntegration | None = resolved(
        integrations.integration_by_uuid,
        "The cloud integration that gives access to the mirrored bucket. Null for ordinary "
        "folders, or if the viewer cannot see the integration.",
    )
    integration_uuid: UUID | None = resolved(
        integrations.visible_uuid_of_folder, "The UUID of `integration`, and null whenever that is."
    )
    remote_url: URL | None = column(
        "URL of the bucket or prefix that the folder mirrors, itself or as part of a "
        "cloud-synced folder above it; null for ordinary folders. It never changes."
    )
    is_cloud_synced: bool = resolved(
        folders.is_cloud_synced,
        "Whether the folder is cloud-synced: it was created to mirror a bucket or prefix. False "
        "for its subfolders.",
    )
    summary: StorageFolderSummary = resolved(
        folders.summary_of,
        "Counts of the items directly in the folder or, with `recursive`, also in all folders "
        "below it.",
    )
    content_stats: ContentStats = resolved(
        folders.summary_of,
        "Number and size of the files of the items directly in the folder or, with `recursive`, "
        "also in all folders below it.",
    )
    items: Items = resolved(
        folders.items_in,
        "The items directly in the folder. Tombstones and placeholders are left out "
        "unless the filter includes them.",
    )
    subfolders: Connection[StorageFolder] = resolved(
        folders.subfolders_in, "The folders directly below the folder."
    )
    descendant_items: Items = resolved(
        folders.items_below,
        "The items in the folder and in all folders below it. Tombstones and placeholders "
        "are left out unless the filter includes them.",
    )
    descendant_folders: Connection[StorageFolder] = resolved(
        folders.folders_below, "All folders below the folder, at any depth."
    )
    download_manifest: Annotated[
        DownloadManifestConnection, strawberry.lazy("schema.download_manifests")
    ] = resolved(
        download_manifests.download_manifest_of,
        "The files in the folder and in all folders below it, each with a URL, for downloading all of "
        "them: always in the same order, page after page.",
    )
    download_url: SignedUrl | None = resolved(
        archives.folder_archive_of,
        "A URL that downloads the files in the folder and in all folders below it "
        "as an archive. It works for anyone who has it, "
        "with the rights that the viewer has then, and no longer than the API key that requested it. "
        "Refused without a credential. If null, see `downloadUrlUnavailableReason`.",
    )
    download_url_unavailable_reason: DownloadUnavailableReason | None = resolved(
        archives.folder_reason_of, "The reason why `downloadUrl` is null; null if it is not."
    )
    groups: StorageFolderGroupConnection = resolved(
        folders.groups_on,
        "The user groups that have a role on this folder itself, by name. Grants on folders above are "
        "not listed.",
    )
    upload_jobs: Annotated[UploadJobConnection, strawberry.lazy("schema.uploads")] = resolved(
        folders.jobs_in, "The folder's upload jobs, newest first."
    )
    config: StorageFolderConfig = resolved(folders.same_folder, "Settings of the folder.")
    cloud_syncs: Annotated[CloudSyncJobConnection, strawberry.lazy("schema.syncs")] = resolved(
        folders.syncs_of, "The folder's syncs with its bucket, newest first."
    )
    journal: Annotated[StorageChangeConnection, strawberry.lazy("schema.changes")] = resolved(
        changes.journal_of,
        "Journal of the folder: changes to it and to the subfolders, items, upload jobs, syncs, "
        "collections, filter presets and grants directly in it, newest first. Changes to datasets "
        "are not included.",
    )
    descendant_journal: Annotated[StorageChangeConnection, strawberry.lazy("schema.changes")] = (
        resolved(
            changes.journal_below,
            "Journals of the folder and of the folders that are now below it, newest first. Pass "
            "`since` in large trees.",
        )
    )
