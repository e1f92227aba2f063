"""Inputs of mutations of data groups: contents and layouts."""

from uuid import UUID

import strawberry

from gateway.catalog.rules.layouts import CAROUSEL_SIZE
from gateway.kinds.enums import CarouselPosition, IfNameTaken, LayoutDirection
from gateway.scalars import JSON
from resolvers.inputs.descriptions import ALLOW_PARTIAL, CLIENT_METADATA, IDEMPOTENCY_KEY
from resolvers.inputs.names import if_name_taken

_NAME = "Name of the group, 1 to 1,000 characters. Generated if omitted."
_CONTENTS = (
    "UUIDs of 1 to 50 items in order, without duplicates or data groups. Requires `USER` on "
    "each item's folder."
)


@strawberry.input(
    one_of=True,
    description="A node of a layout tree. Set exactly one of the fields: a grid, a tile or a carousel.",
)
class LayoutNodeInput:
    grid: "LayoutGridInput | None" = strawberry.field(
        default=strawberry.UNSET, description="Two parts, side by side or one above the other."
    )
    tile: "LayoutTileInput | None" = strawberry.field(
        default=strawberry.UNSET, description="A tile that shows one item."
    )
    carousel: "LayoutCarouselTileInput | None" = strawberry.field(
        default=strawberry.UNSET, description="A tile that shows one of several items."
    )


@strawberry.input(description="Two parts of a layout, side by side or one above the other.")
class LayoutGridInput:
    direction: LayoutDirection = strawberry.field(
        description="`ROW` places the parts side by side, `COLUMN` one above the other."
    )
    first: LayoutNodeInput = strawberry.field(description="The left or upper part.")
    second: LayoutNodeInput = strawberry.field(description="The right or lower part.")
    split_percentage: float = strawberry.field(
        default=50.0, description="Size of the first part in percent, from 5 to 95."
    )


@strawberry.input(description="A tile that shows one item.")
class LayoutTileInput:
    key: str = strawberry.field(description="The item's key in the contents.")


@strawberry.input(
    description="A tile that shows one of several items at a time, with a strip to choose from."
)
class LayoutCarouselTileInput:
    keys: list[str] = strawberry.field(description="1 to 50 keys of the contents, in order.")
    carousel_position: CarouselPosition = strawberry.field(
        default=CarouselPosition.BOTTOM, description="Position of the strip."
    )
    carousel_size: float = strawberry.field(
        default=CAROUSEL_SIZE,
        description="Size of the strip in percent of the tile, from 10 to 70.",
    )


@strawberry.input(description="Display settings of one tile.")
class DataGroupTileSettingsInput:
    key: str = strawberry.field(description="The tile's key in the contents.")
    title: str | None = strawberry.field(
        default=None, description="Heading shown above the tile, at most 1,000 characters."
    )
    is_read_only: bool = strawberry.field(
        default=False, description="Whether the tile is read-only."
    )


@strawberry.input(description="Display settings of a whole layout.")
class DataGroupLayoutSettingsInput:
    fixed_layout: bool = strawberry.field(
        default=False, description="Whether clients should keep users from rearranging the panes."
    )
    tile_settings: list[DataGroupTileSettingsInput] | None = strawberry.field(
        default=None, description="Display settings of single tiles, at most one entry per key."
    )
    has_multilayer_labels: bool | None = strawberry.field(
        default=None,
        description="Whether labels apply to all items at once. Stored for clients; Storegraph has "
        "no labels. Only possible if all items are images of the same aspect ratio.",
    )


@strawberry.input(description="A data group laid out as a grid of tiles of about equal size.")
class DataGroupGridInput:
    layout_contents: list[UUID] = strawberry.field(description=_CONTENTS)
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)


@strawberry.input(
    description="A data group that shows one item at a time, chosen from a strip below it."
)
class DataGroupCarouselInput:
    layout_contents: list[UUID] = strawberry.field(description=_CONTENTS)
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)


@strawberry.input(description="An item of a data group, with its key.")
class DataGroupEntryInput:
    key: str = strawberry.field(
        description="Name of the item in the layout, 1 to 200 characters, unique in the group."
    )
    item_uuid: UUID = strawberry.field(
        description="UUID of the item. Each item may occur once; data groups are not allowed. "
        "Requires `USER` on the item's folder."
    )


@strawberry.input(description="A data group with a layout supplied by the client.")
class DataGroupCustomInput:
    contents: list[DataGroupEntryInput] = strawberry.field(description="1 to 50 items in order.")
    layout: LayoutNodeInput | None = strawberry.field(
        default=None,
        description="The layout tree, with each key at most once. Omit it if all items are on "
        "the timeline.",
    )
    timeline: list[str] = strawberry.field(
        default_factory=list,
        description="Keys of the items that clients show on the timeline: at least all those that "
        "the layout does not contain.",
    )
    settings: DataGroupLayoutSettingsInput | None = strawberry.field(
        default=None, description="Display settings of the whole layout."
    )
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)


@strawberry.input(
    one_of=True, description="A new data group. Set exactly one of the three layouts."
)
class DataGroupInput:
    grid: DataGroupGridInput | None = strawberry.field(
        default=strawberry.UNSET, description="Tiles of about equal size."
    )
    carousel: DataGroupCarouselInput | None = strawberry.field(
        default=strawberry.UNSET, description="One item at a time, chosen from a strip."
    )
    custom: DataGroupCustomInput | None = strawberry.field(
        default=strawberry.UNSET, description="A layout of the client's own."
    )


@strawberry.input(description="New data groups.")
class CreateDataGroupsInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of the folder that receives the groups. The items remain in their folders."
    )
    groups: list[DataGroupInput] = strawberry.field(description="1 to 1,000 groups.")
    if_name_taken: IfNameTaken = if_name_taken(
        "Of groups with one name, the first gets it. `REUSE` is refused: a group is a new item."
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=IDEMPOTENCY_KEY,
    )
