"""Data groups: items laid out together, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

from gateway.kinds.enums import DataGroupLayoutType
from resolvers import data_groups
from resolvers.inputs.scalars import JSON
from resolvers.items import item_by_uuid
from schema.fields import column, of, resolved

if TYPE_CHECKING:
    from schema.items import StorageItem


@of()
@strawberry.type(description="An item of a data group, under its key.")
class DataGroupEntry:
    key: str = column("The name by which the layout knows it.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        item_by_uuid, "The item, if the viewer may see it."
    )


@of()
@strawberry.type(description="How one tile of a data group is shown.")
class DataGroupTileSettings:
    key: str = column("The tile's key.")
    title: str | None = column("What stands above it.")
    is_read_only: bool = column("Whether nothing can be changed in it.")


@of()
@strawberry.type(description="What holds of the whole layout of a data group (ENC-GSET).")
class DataGroupLayoutSettings:
    fixed_layout: bool = column("Whether panes stay as they are.")
    tile_settings: list[DataGroupTileSettings] | None = column(
        "How single tiles are shown, at most one entry a key."
    )
    has_multilayer_labels: bool | None = column("Whether labels hold for all items.")


@of()
@strawberry.type(
    description="What a data group consists of, and where each item is shown (ENC-GINFO)."
)
class DataGroupLayoutInfo:
    layout_type: DataGroupLayoutType = column("Who laid it out, and how.")
    contents: list[DataGroupEntry] = column("The items in their order, at most 50.")
    layout: JSON | None = column(
        "The whole tree, in the shape of `LayoutNodeInput`: as it came, or as we made it; null if all is on the "
        "timeline (ENC-GTREE)."
    )
    layout_settings: DataGroupLayoutSettings = resolved(
        data_groups.settings_of, "What holds of all of it."
    )
    timeline: list[str] = column("The keys shown on the timeline, at most 50.")
