"""Items: one interface with every attribute, and its pages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from gateway.kinds.downloads import DownloadUnavailableReason
from gateway.kinds.enums import (
    StorageLocationName,
    ThumbnailUnavailableReason,
)
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MEDIA_FACTS
from gateway.scalars import JSON, URL, BigInt
from resolvers import (
    access,
    archives,
    identity,
    integrations,
    items,
    metric_results,
    paths,
    shared_items,
    thumbnails,
    views,
)
from resolvers import bitstreams as files
from resolvers.facets import item_facets
from resolvers.items import SignedUrlUnavailableReason
from resolvers.metadata_entries import entries_of_items
from schema.access import FolderPermissions
from schema.common import CAPPED, Connection, Node, PageInfo, capped_page, counted_page, page_itself
from schema.facets import Facet
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.integrations import CloudIntegration
from schema.item_uses import StorageItemSummary
from schema.metadata import MetadataEntry
from schema.people import User
from schema.revisions import Bitstream, ContentStats, ItemRevision
from schema.signed_urls import SignedUrl
from schema.thumbnails import Thumbnail
from schema.views import TimeSeriesViewSettings


@row_type()
@strawberry.type(description="A member of a group of items, with its position.")
class StorageItemChildEdge:
    node: StorageItem = column("The member.")
    cursor: str = column("Position of the member in this list, for use with `after` or `before`.")
    frame_number: int = resolved(
        items.position_on_edge, "The member's position in the group, counted from 0."
    )


@row_type()
@strawberry.type(description="A page of the members of a group of items.")
class StorageItemChildConnection:
    edges: list[StorageItemChildEdge] = column("The members with their positions and cursors.")
    nodes: list[StorageItem] = column("The members on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of members that the viewer can see. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


def fact(name: str) -> Any:
    """Return the field of a media fact."""
    return column(MEDIA_FACTS[name].description)


@strawberry.interface(
    description="An item of any kind. Attributes that do not apply to an item are null, and facts "
    "about its file are null until it is processed."
)
class StorageItem(Node):
    id: strawberry.ID = resolved(items.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column(
        "The item's UUID. A placeholder keeps its UUID when its upload is processed."
    )
    folder: StorageFolder = resolved(
        items.folder_of,
        "The folder that the item belongs to, its home. Viewers who cannot see it get the first "
        "other folder that the item is shared into and that they see.",
    )
    folder_uuid: UUID = resolved(shared_items.shown_folder_uuid, "The UUID of `folder`.")
    folders: list[StorageFolder] = resolved(
        items.folders_of,
        "All folders that the item is in and that the viewer can see: its home first, then those "
        "that it is shared into, the earliest first; at most 101.",
    )
    metric_links: Annotated[MetricLinkConnection, strawberry.lazy("schema.metric_results")] = (
        resolved(metric_results.links_of_item, "The values that the item is linked to, by label.")
    )
    permissions: FolderPermissions | None = resolved(
        access.permissions_on_item,
        "Everyone who may do something with the item: with its home folder. Those who see another of "
        "its `folders` can read it, too. Null unless the viewer is `ADMIN` of the home folder, and "
        "with an API key for a folder.",
    )
    path: str | None = resolved(
        paths.path_of_item,
        "The path of `folder`, followed by the item's name after a slash. Null if that is.",
    )
    item_type: StorageItemType = column("The kind of item.")
    name: str = column("The item's name. Names need not be unique.")
    description: str = column("Free-text description; empty by default.")
    client_metadata: JSON = column(
        "JSON object of any shape, stored for clients. Defaults to `{}`."
    )
    metadata: list[MetadataEntry] | None = resolved(
        entries_of_items,
        "The entries of `clientMetadata`, by key; at most as many as fit there. Those of an older "
        "revision are as they were when the next was created. Null if there is no such revision.",
    )
    owner: User | None = resolved(
        items.owner_of,
        "The user who uploaded or registered the item. Null if that user has been deleted.",
    )
    copy_of: StorageItem | None = resolved(
        items.copy_of,
        "The item that this one is a copy of. Null if it is none, if the original was deleted, and "
        "for viewers who cannot see the original.",
    )
    created_at: datetime = column("When the item was created, in UTC.")
    last_edited_at: datetime = column("When the item last changed, in UTC.")
    is_tombstone: bool = column(
        "Whether the item is a tombstone: its object no longer exists at its source, or is lost."
    )
    is_placeholder: bool = column(
        "Whether the item is a placeholder: announced, but not uploaded and processed yet."
    )
    data_rows_count: int = resolved(
        items.data_row_count, "Number of data rows that use the item, in all datasets."
    )
    storage_location: StorageLocationName = column("The store that holds the item's bytes.")
    integration: CloudIntegration | None = resolved(
        integrations.integration_by_uuid,
        "The cloud integration that gives access to the item's bytes. Null if none is needed, or "
        "if the viewer cannot see it.",
    )
    integration_uuid: UUID | None = resolved(
        integrations.visible_uuid_of_item, "The UUID of `integration`, and null whenever that is."
    )
    url: URL | None = resolved(
        identity.url_of,
        "Where the item's object is: `storegraph:///key` in Storegraph's own store, "
        "`s3://bucket/key` and the like in a cloud, or a public `https://` URL. To download it, "
        "use `signedUrl`. Null for groups, placeholders and other items without an object, and for "
        "objects outside of Storegraph's own store if the item is `PHI_RESTRICTED`.",
    )
    signed_url: SignedUrl | None = resolved(
        items.signed_url_of,
        "A URL for downloading or showing the item's bytes, valid for a limited time without a "
        "credential. The disposition does not affect files at public `https://` URLs. "
        "If null, see `signedUrlUnavailableReason`.",
    )
    signed_url_unavailable_reason: SignedUrlUnavailableReason | None = resolved(
        items.unavailable_reason, "The reason why `signedUrl` is null; null if it is not."
    )
    download_url: SignedUrl | None = resolved(
        archives.item_archive_of,
        "A URL that downloads all files of the item or, if it is a group, of its members "
        "as an archive. It works for anyone who has it, "
        "with the rights that the viewer has then, and no longer than the API key that requested it. "
        "Refused without a credential. If null, see `downloadUrlUnavailableReason`.",
    )
    download_url_unavailable_reason: DownloadUnavailableReason | None = resolved(
        archives.item_reason_of, "The reason why `downloadUrl` is null; null if it is not."
    )
    thumbnail: Thumbnail | None = resolved(
        thumbnails.thumbnail_of,
        "A small picture of the item's file, upright and on a neutral background. If null, "
        "see `thumbnailUnavailableReason`.",
    )
    thumbnail_unavailable_reason: ThumbnailUnavailableReason | None = resolved(
        thumbnails.unavailable_reason, "The reason why `thumbnail` is null; null if it is not."
    )
    file_count: int = resolved(
        files.file_count_of,
        "Number of the item's own files: those of its newest revision. 0 for groups.",
    )
    is_directory: bool = column(
        "Whether the item is a directory of that name in archives, manifests and downloads even "
        "while it has a single file: it was created without one, by `createStorageItem` or of a "
        "leaf folder by `importTree`. Items of several files always are."
    )
    bitstreams: Connection[Bitstream] = resolved(
        files.bitstreams_of,
        "The item's own files, in order: those of its newest revision, or of another.",
    )
    revision_number: int = resolved(
        files.revision_number_of,
        "Number of the newest revision. 0 if the item has never had a file of its own.",
    )
    revision: ItemRevision | None = resolved(
        files.revision_of, "The revision with a number; null if there is none."
    )
    revisions: Connection[ItemRevision] = resolved(
        files.revisions_of, "All revisions of the item's files, newest first."
    )
    content_stats: ContentStats = resolved(
        files.content_of, "Number and size of the item's own files."
    )
    source_modified_at: datetime | None = column(
        "When the file was last modified at its source, in UTC: as stated by the client, or by the "
        "store or server that has the file. Null if unknown."
    )
    file_size: BigInt | None = fact("file_size")
    mime_type: str | None = fact("mime_type")
    sha256: str | None = fact("sha256")
    duration: float | None = fact("duration")
    fps: float | None = fact("fps")
    height: int | None = fact("height")
    width: int | None = fact("width")
    orientation: int | None = fact("orientation")
    frame_count: BigInt | None = fact("frame_count")
    page_count: int | None = fact("page_count")
    text_encoding: str | None = fact("text_encoding")
    audio_sample_rate: int | None = fact("audio_sample_rate")
    audio_bit_depth: int | None = fact("audio_bit_depth")
    audio_codec: str | None = fact("audio_codec")
    audio_num_channels: int | None = fact("audio_num_channels")
    dicom_instance_uid: str | None = fact("dicom_instance_uid")
    dicom_study_uid: str | None = fact("dicom_study_uid")
    dicom_series_uid: str | None = fact("dicom_series_uid")
    probe_warnings: list[str] = resolved(
        items.probe_warnings_of,
        MEDIA_FACTS["probe_warnings"].description,
    )
    probed_by_older_version: bool = resolved(
        items.probed_by_older_version,
        "Whether an older version of Storegraph read the facts of the file, so that they may differ "
        "from those of a new upload. The command `storegraph reprobe` reads such files again.",
    )
    time_series_settings: TimeSeriesViewSettings | None = resolved(
        views.view_settings_of,
        "Display settings of a time series. Null if never set, and for all other items.",
    )
    summary: StorageItemSummary = resolved(
        items.same_item, "Uses of the item by groups and datasets."
    )
    children: StorageItemChildConnection = resolved(
        items.children_of,
        "The members of a group that the viewer can see, in order. Empty for items that are not "
        "groups.",
    )
    groups_containing: StorageItemConnection = resolved(
        items.groups_containing,
        "The item groups that the item belongs to and that the viewer can see, by name.",
    )


@row_type()
@strawberry.type(description="A page of items.")
class StorageItemConnection(Connection[StorageItem]):
    """Page of items, a class of its own so that folders can refer to it lazily."""

    facets: list[Facet] = resolved(
        item_facets,
        "Numbers of items of the whole list by some of their attributes; one entry per entry of "
        "`by`. Counted only when selected.",
    )


if TYPE_CHECKING:
    from schema.metric_results import MetricLinkConnection
