"""Items: one interface that carries every attribute, and a type for each kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from gateway.kinds.enums import SceneFormat, StorageItemType, StorageLocationName
from resolvers import data_groups, datasets, integrations, items, reencoding, views
from resolvers.inputs.scalars import JSON, URL, BigInt
from resolvers.items import SignedUrlUnavailableReason
from resolvers.nodes import Inaccessible
from schema.common import Connection, Node, PageInfo, counted_page, page_itself
from schema.data_groups import DataGroupLayoutInfo
from schema.datasets import Dataset
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.integrations import CloudIntegration
from schema.people import User
from schema.views import TimeSeriesContent, TimeSeriesViewSettings


@of()
@strawberry.type(description="A URL that works for a while without a credential.")
class SignedUrl:
    url: URL = column("The URL; send the headers with it.")
    method: str = column("The HTTP method that it is good for.")
    expires_at: datetime = column(
        "Until when it works; a file elsewhere may be moved sooner, or never."
    )
    headers: JSON = column("Headers to send with the request, by name; often none.")


@of()
@strawberry.type(description="A group of files that an item belongs to, in short (ENC-ISHORT).")
class StorageItemRef:
    uuid: UUID = column("The group's uuid.")
    name: str = column("The group's name.")
    parent_uuid: UUID = column("The folder that it lies in.")
    parent_name: str = column("That folder's name.")
    item_type: StorageItemType = column("What kind of group it is.")


@of()
@strawberry.type(description="That a dataset uses an item (ENC-DSHORT).")
class DatasetUsage:
    dataset_hash: UUID = column("The dataset's uuid.")
    dataset: Dataset | None = resolved(datasets.dataset_of_usage, "The dataset.")
    backing_folder_uuid: UUID | None = resolved(
        datasets.backing_folder_uuid_of_usage,
        "The folder that the dataset mirrors, if the viewer sees it.",
    )
    title: str = column("The dataset's title.")
    data_hashes: list[UUID] = column("Its data rows of this item, at most 1,000.")
    data_units_created_at: datetime = column("When the first of them was made.")


@of()
@strawberry.type(
    description="How an item is used (ENC-ISUM). Counts are of everything, lists of what the viewer may see (SUB-018)."
)
class StorageItemSummary:
    frame_in_groups: int = resolved(
        items.group_count, "How many groups of files the item belongs to."
    )
    accessible_group_items: list[StorageItemRef] = resolved(
        items.accessible_groups, "Those of these groups that the viewer may see; at most 1,000."
    )
    used_in_datasets: int = resolved(items.dataset_count, "How many datasets use the item.")
    accessible_datasets: list[DatasetUsage] = resolved(
        items.accessible_datasets,
        "Those of these datasets that the viewer may see; of at most 1,000 data rows.",
    )
    data_group: DataGroupLayoutInfo | None = resolved(
        data_groups.layout_of, "How a data group is laid out; null of all other items."
    )


@of()
@strawberry.type(description="A member of a group of files, with its place.")
class StorageItemChildEdge:
    node: StorageItem = column("The member.")
    cursor: str = column("Where the member lies in this list.")
    frame_number: int = resolved(
        items.position_on_edge, "Its position in the group, from 0 (ENC-ITEM-33)."
    )


@of()
@strawberry.type(description="A page of the members of a group of files.")
class StorageItemChildConnection:
    edges: list[StorageItemChildEdge] = column("The members with their places.")
    nodes: list[StorageItem] = column("The members.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many the viewer may see in all; counted only when selected."
    )


@strawberry.interface(
    description="An item of any kind, with the attributes of all kinds (ENC-ITEM)."
)
class StorageItem(Node):
    id: strawberry.ID = resolved(items.id_of, "The opaque id.")
    uuid: UUID = column("The item's uuid; a placeholder keeps it when it becomes an item.")
    folder: StorageFolder = resolved(items.folder_of, "The folder that it lies in.")
    folder_uuid: UUID = column("The uuid of that folder.")
    item_type: StorageItemType = column("What the item is.")
    name: str = column("The item's name.")
    description: str = column("What the item is about.")
    client_metadata: JSON = column("Whatever its users keep with it.")
    owner: User | None = resolved(items.owner_of, "Who brought it in.")
    created_at: datetime = column("When it was registered.")
    last_edited_at: datetime = column("When it last changed.")
    is_tombstone: bool = column("Whether its object is gone from its source.")
    is_placeholder: bool = column("Whether it was announced but is not yet processed.")
    backed_data_units_count: int = resolved(
        items.data_row_count, "How many data rows of datasets use it."
    )
    storage_location: StorageLocationName = column("Where its bytes lie.")
    integration: CloudIntegration | None = resolved(
        integrations.integration_by_uuid,
        "The cloud integration by which its bytes are reached, if the viewer sees it.",
    )
    integration_uuid: UUID | None = resolved(
        integrations.visible_uuid, "The uuid of that integration (ENC-ITEM-14)."
    )
    url: URL | None = column("Its object's own URL; of a file elsewhere, where it lies.")
    signed_url: SignedUrl | None = resolved(
        items.signed_url_of, "A URL from which anybody can download it for a while."
    )
    signed_url_unavailable_reason: SignedUrlUnavailableReason | None = resolved(
        items.unavailable_reason, "Why there is no signed URL."
    )
    file_size: BigInt | None = column("Bytes.")
    mime_type: str | None = column("The type of its content, found by reading it.")
    sha256: str | None = column("The SHA-256 of its content, in hex.")
    duration: float | None = column("Seconds.")
    fps: float | None = column("Frames per second.")
    height: BigInt | None = column("Pixels.")
    width: BigInt | None = column("Pixels.")
    frame_count: BigInt | None = column("Frames, or slices, of media that have several.")
    page_count: BigInt | None = column("Pages.")
    audio_sample_rate: BigInt | None = column("Samples per second.")
    audio_bit_depth: int | None = column("Bits per sample.")
    audio_codec: str | None = column("The name of the audio codec.")
    audio_num_channels: int | None = column("Audio channels.")
    dicom_instance_uid: str | None = column("The SOP instance UID.")
    dicom_study_uid: str | None = column("The study instance UID.")
    dicom_series_uid: str | None = column("The series instance UID.")
    time_series_settings: TimeSeriesViewSettings | None = resolved(
        views.view_settings_of,
        "How a time series is shown; null if nobody has settled it, and of all other items.",
    )
    summary: StorageItemSummary = resolved(items.same_item, "How the item is used.")
    children: StorageItemChildConnection = resolved(
        items.children_of,
        "The members of a group of files that the viewer may see, in order (ENC-ITEMOP-04).",
    )
    groups_containing: StorageItemConnection = resolved(
        items.groups_containing, "The groups of files that it belongs to and the viewer may see."
    )


@of()
@strawberry.type(description="A page of items.")
class StorageItemConnection(Connection[StorageItem]):
    """Named, so that folders can refer to it lazily."""


def kind(item_type: StorageItemType) -> Callable[[type], type]:
    """A type whose rows are items of one kind."""
    return of(lambda row: getattr(row, "item_type", None) is item_type)


@of()
@strawberry.type(
    description="A version of a video that every browser plays, at a constant rate, beside the one that came."
)
class VideoRendition:
    mime_type: str = column("Its type.")
    file_size: BigInt = column("Bytes.")
    sha256: str = column("The SHA-256 of its content, in hex.")
    width: int = column("Pixels.")
    height: int = column("Pixels.")
    fps: float = column("Frames per second.")
    duration: float = column("Seconds.")
    frame_count: int = column("Frames.")
    created_at: datetime = column("When it was made.")
    signed_url: SignedUrl = resolved(
        reencoding.signed_url_of,
        "A URL from which anybody can download it for a while (ENC-DOP-10).",
    )


@kind(StorageItemType.VIDEO)
@strawberry.type(description="One video file.")
class VideoItem(StorageItem):
    rendition: VideoRendition | None = resolved(
        reencoding.rendition_of, "The version that a re-encoding job has made of it, if one has."
    )


@kind(StorageItemType.IMAGE)
@strawberry.type(description="One image file.")
class ImageItem(StorageItem):
    pass


@kind(StorageItemType.GROUP)
@strawberry.type(description="Items laid out together.")
class DataGroupItem(StorageItem):
    layout: DataGroupLayoutInfo | None = resolved(
        data_groups.layout_of, "Its items, and where each is shown."
    )


@kind(StorageItemType.IMAGE_GROUP)
@strawberry.type(description="Images that belong together.")
class ImageGroupItem(StorageItem):
    frame_total: int = resolved(items.member_count, "How many images it has, seen or not.")


@kind(StorageItemType.IMAGE_SEQUENCE)
@strawberry.type(description="Images in order of time, with a video made of them.")
class ImageSequenceItem(StorageItem):
    frame_total: int = resolved(items.member_count, "How many images it has, seen or not.")


@kind(StorageItemType.DICOM_FILE)
@strawberry.type(description="One DICOM file.")
class DicomFileItem(StorageItem):
    pass


@kind(StorageItemType.DICOM_SERIES)
@strawberry.type(description="DICOM files of one series.")
class DicomSeriesItem(StorageItem):
    instance_total: int = resolved(items.member_count, "How many DICOM files it has, seen or not.")


@kind(StorageItemType.AUDIO)
@strawberry.type(description="One audio file.")
class AudioItem(StorageItem):
    pass


@kind(StorageItemType.TIMESERIES)
@strawberry.type(description="One file of samples over time.")
class TimeSeriesItem(StorageItem):
    content: TimeSeriesContent | None = resolved(
        views.series_of, "What is in it; null until it is read."
    )


@kind(StorageItemType.NIFTI)
@strawberry.type(description="One NIfTI volume.")
class NiftiItem(StorageItem):
    pass


@kind(StorageItemType.PLAIN_TEXT)
@strawberry.type(description="One text file.")
class PlainTextItem(StorageItem):
    pass


@kind(StorageItemType.PDF)
@strawberry.type(description="One PDF.")
class PdfItem(StorageItem):
    pass


@kind(StorageItemType.SCENE)
@strawberry.type(
    description="A scene in three dimensions: one file, or a document of several things, its children."
)
class SceneItem(StorageItem):
    scene: JSON | None = resolved(
        views.scene_document_of, "The document; null of a scene that is one file."
    )
    scene_format: SceneFormat | None = resolved(
        views.scene_format_of, "The format of a scene that is one file."
    )
    point_count: BigInt | None = resolved(
        views.point_count_of, "How many points a cloud has, if its file says it."
    )
    scene_view_settings: JSON | None = column(
        "How it is shown, in the shape of `SceneViewSettingsInput`."
    )
    scene_layout: JSON | None = column("Where its panes are, in the shape of `SceneLayoutInput`.")


@of(lambda row: isinstance(row, Inaccessible))
@strawberry.type(
    description="Stands for an item that is not there or that the viewer may not see (ENC-INACC)."
)
class StorageItemInaccessible:
    uuid: UUID = column("The uuid that was asked for.")


KINDS: list[Any] = [
    VideoItem,
    ImageItem,
    DataGroupItem,
    ImageGroupItem,
    ImageSequenceItem,
    DicomFileItem,
    DicomSeriesItem,
    AudioItem,
    TimeSeriesItem,
    NiftiItem,
    PlainTextItem,
    PdfItem,
    SceneItem,
]
StorageItemResult = Annotated[
    VideoItem
    | ImageItem
    | DataGroupItem
    | ImageGroupItem
    | ImageSequenceItem
    | DicomFileItem
    | DicomSeriesItem
    | AudioItem
    | TimeSeriesItem
    | NiftiItem
    | PlainTextItem
    | PdfItem
    | SceneItem
    | StorageItemInaccessible,
    strawberry.union(
        "StorageItemResult", description="An item, or what stands for one that cannot be shown."
    ),
]
