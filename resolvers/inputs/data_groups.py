"""What a client sends to lay items out together."""

from uuid import UUID

import strawberry

from gateway.catalog.rules.layouts import CAROUSEL_SIZE
from gateway.kinds.enums import CarouselPosition, LayoutDirection
from resolvers.inputs.scalars import JSON

_NAME = "1 to 1,000 characters; one is made up if absent."
_METADATA = "A JSON object of at most 256 KB."
_CONTENTS = "1 to 50 items in their order, on whose folders you are USER, none of them twice or a data group."
_ONE = "This, or one of the others."


@strawberry.input(one_of=True, description="A part of a layout: one of these three (ENC-GTREE).")
class LayoutNodeInput:
    grid: "LayoutGridInput | None" = strawberry.field(default=strawberry.UNSET, description=_ONE)
    tile: "LayoutTileInput | None" = strawberry.field(default=strawberry.UNSET, description=_ONE)
    carousel: "LayoutCarouselTileInput | None" = strawberry.field(
        default=strawberry.UNSET, description=_ONE
    )


@strawberry.input(description="Two parts beside or above each other (ENC-GTREE-01).")
class LayoutGridInput:
    direction: LayoutDirection = strawberry.field(
        description="ROW puts them beside each other, COLUMN above."
    )
    first: LayoutNodeInput = strawberry.field(description="The left or upper part.")
    second: LayoutNodeInput = strawberry.field(description="The right or lower part.")
    split_percentage: float = strawberry.field(
        default=50.0, description="The first part's share, from 5 to 95."
    )


@strawberry.input(description="One item (ENC-GTREE-02).")
class LayoutTileInput:
    key: str = strawberry.field(description="The item's key among the contents.")


@strawberry.input(
    description="Several items in the room of one, with a strip to choose from (ENC-GTREE-03)."
)
class LayoutCarouselTileInput:
    keys: list[str] = strawberry.field(
        description="1 to 50 keys among the contents, in their order."
    )
    carousel_position: CarouselPosition = strawberry.field(
        default=CarouselPosition.BOTTOM, description="Where the strip is."
    )
    carousel_size: float = strawberry.field(
        default=CAROUSEL_SIZE, description="The strip's share, from 10 to 70."
    )


@strawberry.input(description="How one tile is shown (ENC-GSET-02).")
class DataGroupTileSettingsInput:
    key: str = strawberry.field(description="The tile's key among the contents.")
    title: str | None = strawberry.field(
        default=None, description="What stands above it, at most 1,000 characters."
    )
    is_read_only: bool = strawberry.field(
        default=False, description="Whether nothing can be changed in it."
    )


@strawberry.input(description="What holds of a whole layout (ENC-GSET).")
class DataGroupLayoutSettingsInput:
    fixed_layout: bool = strawberry.field(
        default=False, description="Whether panes stay as they are."
    )
    tile_settings: list[DataGroupTileSettingsInput] | None = strawberry.field(
        default=None, description="How single tiles are shown, at most one entry a key."
    )
    has_multilayer_labels: bool | None = strawberry.field(
        default=None,
        description="Whether labels hold for all items: only images of one aspect ratio may have them.",
    )


@strawberry.input(description="Items in a grid of tiles of about the same size (ENC-DGG).")
class DataGroupGridInput:
    layout_contents: list[UUID] = strawberry.field(description=_CONTENTS)
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(description="Items one at a time, chosen from a strip below (ENC-DGC).")
class DataGroupCarouselInput:
    layout_contents: list[UUID] = strawberry.field(description=_CONTENTS)
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(description="An item under a key of your own (ENC-DGX-03).")
class DataGroupEntryInput:
    key: str = strawberry.field(description="1 to 200 characters, unlike the others.")
    item_uuid: UUID = strawberry.field(
        description="The item, on whose folder you are USER; none twice, and no data group."
    )


@strawberry.input(description="Items in a layout of your own (ENC-DGX).")
class DataGroupCustomInput:
    contents: list[DataGroupEntryInput] = strawberry.field(
        description="1 to 50 items in their order."
    )
    layout: LayoutNodeInput | None = strawberry.field(
        default=None,
        description="Where which item is shown, no key twice; absent if all are on the timeline.",
    )
    timeline: list[str] = strawberry.field(
        default_factory=list,
        description="The keys shown on the timeline: all that the layout lacks, at least.",
    )
    settings: DataGroupLayoutSettingsInput | None = strawberry.field(
        default=None, description="What holds of it all."
    )
    name: str | None = strawberry.field(default=None, description=_NAME)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(
    one_of=True, description="A data group to be made, in one of three layouts (SUB-087)."
)
class DataGroupInput:
    grid: DataGroupGridInput | None = strawberry.field(default=strawberry.UNSET, description=_ONE)
    carousel: DataGroupCarouselInput | None = strawberry.field(
        default=strawberry.UNSET, description=_ONE
    )
    custom: DataGroupCustomInput | None = strawberry.field(
        default=strawberry.UNSET, description=_ONE
    )


@strawberry.input(description="Data groups to be made (ENC-FOLDEROP-38).")
class CreateDataGroupsInput:
    folder_uuid: UUID = strawberry.field(
        description="The folder that the groups go to; the items stay where they are."
    )
    groups: list[DataGroupInput] = strawberry.field(description="1 to 1,000 groups.")
    allow_partial: bool = strawberry.field(
        default=False, description="Whether to do what can be done if some cannot."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours gives the same answer instead of doing it again.",
    )
