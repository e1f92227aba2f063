"""What all types share: nodes, pages of rows, and refusals as data."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.errors import ErrorCode
from gateway.execution.declarations import Computed, SameRow, TypeDiscriminator
from gateway.kinds.enums import StorageItemType
from schema.fields import column, of, resolved

T = TypeVar("T")
ITEM_TYPES = {
    StorageItemType.VIDEO: "VideoItem",
    StorageItemType.IMAGE: "ImageItem",
    StorageItemType.GROUP: "DataGroupItem",
    StorageItemType.IMAGE_GROUP: "ImageGroupItem",
    StorageItemType.IMAGE_SEQUENCE: "ImageSequenceItem",
    StorageItemType.DICOM_FILE: "DicomFileItem",
    StorageItemType.DICOM_SERIES: "DicomSeriesItem",
    StorageItemType.AUDIO: "AudioItem",
    StorageItemType.TIMESERIES: "TimeSeriesItem",
    StorageItemType.NIFTI: "NiftiItem",
    StorageItemType.PLAIN_TEXT: "PlainTextItem",
    StorageItemType.PDF: "PdfItem",
    StorageItemType.SCENE: "SceneItem",
}
REFUSED = "What was refused; empty if all was done."
page_itself = SameRow()
counted_page = Computed(("count",), lambda page: page.count())


@strawberry.interface(description="Anything that has an identity of its own.")
class Node:
    kinds: ClassVar[TypeDiscriminator] = TypeDiscriminator("item_type", ITEM_TYPES)
    id: strawberry.ID = column("The opaque id of the object, unlike that of any other.")

    @classmethod
    def resolve_type(
        cls, row: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType
    ) -> str:
        """The type of a row: items tell it themselves, other rows were found by an id that does."""
        return ITEM_TYPES[row.item_type] if hasattr(row, "item_type") else str(row.kind)


@of()
@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = column("Whether there are rows after the page.")
    has_previous_page: bool = column("Whether there are rows before the page.")
    start_cursor: str | None = column("The cursor of the first row.")
    end_cursor: str | None = column("The cursor of the last row.")


@of()
@strawberry.type(description="A row of a page, with its cursor.")
class Edge(Generic[T]):
    node: T = column("The row.")
    cursor: str = column("Where the row lies in this list, with this filter and order.")


@of()
@strawberry.type(description="A page of rows.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = column("The rows with their cursors.")
    nodes: list[T] = column("The rows.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many rows the list has in all; counted only when selected."
    )


@of()
@strawberry.type(description="Why something was refused.")
class UserError:
    code: ErrorCode = column("What kind of refusal it is.")
    message: str = column("What is wrong, for a person to read.")
    path: list[str] = resolved(
        Computed(("path",), lambda error: [str(step) for step in error.path]),
        "The input field at fault, from `input` down.",
    )
