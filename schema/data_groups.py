"""Data groups: items arranged for viewing side by side, and their layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.kinds.enums import DataGroupLayoutType
from gateway.scalars import JSON
from resolvers import data_groups
from resolvers.items import item_by_uuid
from schema.fields import column, resolved, row_type

if TYPE_CHECKING:
    from schema.items import StorageItem


@row_type()
@strawberry.type(description="An item of a data group.")
class DataGroupEntry:
    key: str = column("The name that the layout uses for the item. Unique in the group.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        item_by_uuid, "The item. Null if the viewer cannot see it."
    )


@row_type()
@strawberry.type(description="Display settings of one tile of a data group.")
class DataGroupTileSettings:
    key: str = column("The key of the item in the tile.")
    title: str | None = column("Heading shown above the tile; null for none.")
    is_read_only: bool = column("Whether the tile is read-only.")


@row_type()
@strawberry.type(description="Display settings that apply to the whole layout of a data group.")
class DataGroupLayoutSettings:
    fixed_layout: bool = column("Whether clients should keep users from rearranging the panes.")
    tile_settings: list[DataGroupTileSettings] | None = column(
        "Display settings of single tiles, at most one entry per key; null if there are none."
    )
    has_multilayer_labels: bool | None = column(
        "Whether labels apply to all items of the group at once; null if not set. Stored for "
        "clients; Storegraph has no labels."
    )


@row_type()
@strawberry.type(description="The contents of a data group and their arrangement.")
class DataGroupLayoutInfo:
    layout_type: DataGroupLayoutType = column("The origin of the layout.")
    contents: list[DataGroupEntry] = column("The items in order; at most 50.")
    layout: JSON | None = column(
        "The layout as a tree, in the shape of `LayoutNodeInput`. Null if all items are on the "
        "timeline."
    )
    layout_settings: DataGroupLayoutSettings = resolved(
        data_groups.settings_of, "Display settings of the whole layout."
    )
    timeline: list[str] = column("Keys of the items that clients show on the timeline; at most 50.")
