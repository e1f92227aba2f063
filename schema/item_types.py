"""Types of items: one for each kind, and one for those that cannot be shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Union
from uuid import UUID

import strawberry

from gateway.kinds.enums import SceneFormat
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.scalars import JSON, BigInt
from resolvers import data_groups, dicom_instances, dicom_series, items, reencoding, views
from resolvers.nodes import Inaccessible
from schema.data_groups import DataGroupLayoutInfo
from schema.dicom import DicomInstance, DicomSeries, DicomStudy
from schema.fields import column, resolved, row_type
from schema.items import StorageItem
from schema.renditions import VideoRendition
from schema.views import TimeSeriesContent

_classes: dict[StorageItemType, type] = {}


def item_type_class(item_type: StorageItemType) -> Callable[[type], type]:
    """Make a class the GraphQL type of all items of one kind."""

    def register(cls: type) -> type:
        strawberry.type(cls, description=ITEM_KINDS[item_type].description)
        row_type(lambda row: getattr(row, "item_type", None) is item_type)(cls)
        _classes[item_type] = cls
        return cls

    return register


@item_type_class(StorageItemType.VIDEO)
class VideoItem(StorageItem):
    rendition: VideoRendition | None = resolved(
        reencoding.rendition_of,
        "The re-encoded version of the video; null if there is none. Create one with "
        "`startVideoReencode`.",
    )


@item_type_class(StorageItemType.IMAGE)
class ImageItem(StorageItem):
    pass


@item_type_class(StorageItemType.GROUP)
class DataGroupItem(StorageItem):
    layout: DataGroupLayoutInfo | None = resolved(
        data_groups.layout_of,
        "The group's items and their arrangement. Null only if the group is deleted during the "
        "operation.",
    )


@item_type_class(StorageItemType.IMAGE_GROUP)
class ImageGroupItem(StorageItem):
    frame_total: int = resolved(
        items.member_count, "Number of images, including those that the viewer cannot see."
    )


@item_type_class(StorageItemType.IMAGE_SEQUENCE)
class ImageSequenceItem(StorageItem):
    frame_total: int = resolved(
        items.member_count, "Number of images, including those that the viewer cannot see."
    )


@item_type_class(StorageItemType.DICOM_FILE)
class DicomFileItem(StorageItem):
    instance: DicomInstance | None = resolved(
        dicom_instances.instance_of_item,
        "The DICOM object in the file. Null until the file is processed, or if it was processed by "
        "an older version of Storegraph: the command `storegraph dicom reindex` reads such files.",
    )


@item_type_class(StorageItemType.DICOM_SERIES)
class DicomSeriesItem(StorageItem):
    instance_total: int = resolved(
        items.member_count, "Number of DICOM files, including those that the viewer cannot see."
    )
    series: DicomSeries | None = resolved(
        dicom_series.series_of_group,
        "The DICOM series to which the first of the files belongs. Null if the viewer cannot see it.",
    )
    study: DicomStudy | None = resolved(
        dicom_series.study_of_group,
        "The DICOM study to which the first of the files belongs. Null if the viewer cannot see it.",
    )


@item_type_class(StorageItemType.AUDIO)
class AudioItem(StorageItem):
    pass


@item_type_class(StorageItemType.TIMESERIES)
class TimeSeriesItem(StorageItem):
    content: TimeSeriesContent | None = resolved(
        views.series_of,
        "Columns and time range of the series; null until processed, and if the folder is masked to "
        "the viewer.",
    )


@item_type_class(StorageItemType.NIFTI)
class NiftiItem(StorageItem):
    pass


@item_type_class(StorageItemType.PLAIN_TEXT)
class PlainTextItem(StorageItem):
    pass


@item_type_class(StorageItemType.PDF)
class PdfItem(StorageItem):
    pass


@item_type_class(StorageItemType.SCENE)
class SceneItem(StorageItem):
    scene: JSON | None = resolved(
        views.scene_document_of,
        "The scene document. Null for a scene that is a single file, or if it is `PHI_RESTRICTED`.",
    )
    scene_format: SceneFormat | None = resolved(
        views.scene_format_of, "File format of a scene that is a single file; null otherwise."
    )
    point_count: BigInt | None = resolved(
        views.point_count_of,
        "Number of points in a point cloud. Null if the file does not state it.",
    )
    scene_view_settings: JSON | None = column(
        "Display settings in the shape of `SceneViewSettingsInput`; null if never set."
    )
    scene_layout: JSON | None = column(
        "Arrangement of the panes in the shape of `SceneLayoutInput`; null if never set."
    )


@item_type_class(StorageItemType.FILE)
class FileItem(StorageItem):
    pass


@row_type(lambda row: isinstance(row, Inaccessible))
@strawberry.type(
    description="Stands in for an item that does not exist or that the viewer cannot see."
)
class StorageItemInaccessible:
    id: strawberry.ID = resolved(items.id_of, "The global ID that an item with this UUID has.")
    uuid: UUID = column("The requested UUID.")


ITEM_CLASSES: list[type] = [_classes[item_type] for item_type in StorageItemType]
"""The GraphQL types of items, one for each kind."""

if TYPE_CHECKING:
    StorageItemResult = StorageItem | StorageItemInaccessible
else:
    StorageItemResult = Annotated[
        Union[(*ITEM_CLASSES, StorageItemInaccessible)],
        strawberry.union(
            "StorageItemResult", description="An item, or a stand-in for one that cannot be shown."
        ),
    ]
