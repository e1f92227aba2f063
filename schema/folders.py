"""Folders."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import SidecarMatcherMode, StorageFolderType, StorageUserRole
from resolvers import changes, folders, integrations, tags
from resolvers.inputs.scalars import JSON, URL, BigInt
from schema.common import Connection, Node, PageInfo, counted_page, page_itself
from schema.fields import column, of, resolved
from schema.integrations import CloudIntegration
from schema.people import Group, User
from schema.tags import OrganisationTag

if TYPE_CHECKING:
    from schema.changes import StorageChangeConnection
    from schema.datasets import Dataset
    from schema.items import StorageItemConnection
    from schema.syncs import CloudSyncJobConnection
    from schema.uploads import UploadJobConnection

Items = Annotated["StorageItemConnection", strawberry.lazy("schema.items")]


@of()
@strawberry.type(description="A folder on the way to the root (ENC-PATH).")
class StoragePathElement:
    uuid: UUID = column("The folder's uuid.")
    parent_uuid: UUID | None = resolved(
        folders.visible_parent_uuid, "Its parent; null where the viewer's tree begins."
    )
    name: str = column("The folder's name.")
    mirror_dataset_uuid: UUID | None = resolved(
        folders.mirror_uuid_of, "The dataset that mirrors it, if the viewer sees it."
    )


@of()
@strawberry.type(
    description="What lies in a folder (ENC-FSUM). Items that are not yet processed or gone are counted apart."
)
class StorageFolderSummary:
    files: BigInt = column("Items with bytes of their own.")
    folders: BigInt = column("Subfolders.")
    videos: BigInt = column("Videos.")
    images: BigInt = column("Single images.")
    groups: BigInt = column("Data groups.")
    image_groups: BigInt = column("Image groups.")
    image_sequences: BigInt = column("Image sequences.")
    dicom_files: BigInt = column("DICOM files.")
    dicom_series: BigInt = column("DICOM series.")
    audios: BigInt = column("Audio files.")
    time_series: BigInt = column("Time series.")
    niftis: BigInt = column("NIfTI volumes.")
    plain_texts: BigInt = column("Text files.")
    pdfs: BigInt = column("PDFs.")
    scenes: BigInt = column("Scenes.")
    tombstones: BigInt = column("Items whose object is gone from its source.")
    placeholders: BigInt = column("Items that are not yet processed.")
    upload_jobs: BigInt = column("Upload jobs of the folder.")
    total_size: BigInt = column("Bytes of the files.")


@of()
@strawberry.type(description="A group on a folder, with its role there.")
class StorageFolderGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Where the group lies in this list.")
    role: StorageUserRole = resolved(
        folders.role_on_edge, "The group's role on the folder and all below it (ENC-FGROUP-06)."
    )


@of()
@strawberry.type(description="A page of the groups that hold a role on a folder.")
class StorageFolderGroupConnection:
    edges: list[StorageFolderGroupEdge] = column("The groups with their roles.")
    nodes: list[Group] = column("The groups.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many groups there are in all; counted only when selected."
    )


@of()
@strawberry.type(description="Which files are metadata of the files beside them (ENC-SIDE).")
class SidecarMatcher:
    mode: SidecarMatcherMode = column("How they are told from others (ENC-SIDE-01).")
    suffix: str = column(
        "What their names end in; the rest is the name of the file that the metadata is for (ENC-SIDE-02)."
    )


@of()
@strawberry.type(
    description="That files of metadata lie beside others in the bucket that a folder mirrors (ENC-MING). They never "
    "become items: where one seems to be missing, look here."
)
class MetadataIngestionConfig:
    matcher: SidecarMatcher = column("Which files they are (ENC-MING-01).")
    paused: bool = column(
        "Whether they are left alone; even so they are no items (ENC-MING-02, SUB-074)."
    )


@of()
@strawberry.type(description="How a folder is dealt with (ENC-FCFG).")
class StorageFolderConfig:
    metadata_ingestion: MetadataIngestionConfig | None = resolved(
        folders.ingestion_of,
        "How metadata that lies beside files gets to their items; null if it does not.",
    )
    auto_sync: bool = column(
        "Whether it is synced once every 24 hours, without anybody asking for it."
    )


@of()
@strawberry.type(description="A folder of items and folders (ENC-FOLDER).")
class StorageFolder(Node):
    id: strawberry.ID = resolved(folders.id_of, "The opaque id.")
    uuid: UUID = column("The folder's uuid.")
    parent: StorageFolder | None = resolved(
        folders.parent_of, "The folder above, if the viewer may see it."
    )
    parent_uuid: UUID | None = resolved(
        folders.visible_parent_uuid, "The uuid of the folder above, if the viewer may see it."
    )
    name: str = column("The folder's name; others may have the same.")
    description: str = column("What the folder is for.")
    client_metadata: JSON | None = column("Whatever its users keep with it.")
    owner: User | None = resolved(folders.owner_of, "Who made it.")
    created_at: datetime = column("When it was made.")
    last_edited_at: datetime = column("When its own attributes last changed.")
    viewer_role: StorageUserRole = resolved(
        folders.viewer_role_on, "What the viewer may do here (ENC-FOLDER-09)."
    )
    viewer_role_folder: StorageFolder | None = resolved(
        folders.viewer_role_folder_of,
        "The folder whose grant gives that role; null if it comes from being a site admin.",
    )
    mirror_dataset: Annotated[Dataset, strawberry.lazy("schema.datasets")] | None = resolved(
        folders.mirror_of, "The dataset that mirrors the folder, if the viewer sees it."
    )
    mirror_dataset_uuid: UUID | None = resolved(
        folders.mirror_uuid_of, "The uuid of that dataset (ENC-FOLDER-10)."
    )
    path_to_root: list[StoragePathElement] = resolved(
        folders.path_to_root,
        "The folder itself first, then those above it as far as the viewer sees; at most 64.",
    )
    organisation_tags: Connection[OrganisationTag] = resolved(
        tags.tags_of_folder, "The tags that it has, by name."
    )
    folder_type: StorageFolderType = column("How the folder is backed.")
    integration: CloudIntegration | None = resolved(
        integrations.integration_by_uuid,
        "The cloud integration by which it mirrors a bucket, if the viewer sees it.",
    )
    integration_uuid: UUID | None = resolved(
        integrations.visible_uuid, "The uuid of that integration (ENC-FOLDER-13)."
    )
    remote_url: URL | None = column(
        "The bucket or prefix that it mirrors, for itself or as part of what a folder above mirrors; never changes "
        "(ENC-FOLDER-14, ENC-SYNCSEM-08)."
    )
    is_cloud_synced: bool = resolved(
        folders.is_cloud_synced, "Whether it was made to mirror a bucket, or a prefix."
    )
    summary: StorageFolderSummary = resolved(
        folders.summary_of,
        "What lies directly in it, or with `recursive` also in all folders below.",
    )
    items: Items = resolved(
        folders.items_in, "The items that lie directly in it (ENC-FOLDEROP-01)."
    )
    subfolders: Connection[StorageFolder] = resolved(
        folders.subfolders_in, "The folders directly below (ENC-FOLDEROP-03)."
    )
    descendant_items: Items = resolved(
        folders.items_below,
        "The items in it and in all folders below; needs a search text or item types (ENC-FOLDEROP-02).",
    )
    descendant_folders: Connection[StorageFolder] = resolved(
        folders.folders_below, "All folders below (ENC-FOLDEROP-04)."
    )
    groups: StorageFolderGroupConnection = resolved(
        folders.groups_on, "The groups that hold a role on this very folder."
    )
    upload_jobs: Annotated[UploadJobConnection, strawberry.lazy("schema.uploads")] = resolved(
        folders.jobs_in, "The upload jobs of the folder, the newest first."
    )
    config: StorageFolderConfig = resolved(
        folders.same_folder, "How it is dealt with (ENC-FOLDEROP-16)."
    )
    cloud_syncs: Annotated[CloudSyncJobConnection, strawberry.lazy("schema.syncs")] = resolved(
        folders.syncs_of, "The syncs of the folder with its bucket, the newest first."
    )
    journal: Annotated[StorageChangeConnection, strawberry.lazy("schema.changes")] = resolved(
        changes.journal_of,
        "What happened to it and to what lies directly in it, the newest first (ENC-CLIENT-25).",
    )
    descendant_journal: Annotated[StorageChangeConnection, strawberry.lazy("schema.changes")] = (
        resolved(
            changes.journal_below,
            "What happened in it and in the folders that are below it now, the newest first; in a large tree give `since`.",
        )
    )
