"""Data groups: how their contents and layouts are resolved."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import SameRow, batch
from gateway.kinds.enums import DataGroupLayoutType
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import GroupMemberRecord, group_members, items


@dataclass(frozen=True, slots=True)
class LayoutEntry:
    """An item of a data group, and its key in the layout."""

    key: str
    item_uuid: UUID


@dataclass(frozen=True, slots=True)
class TileSettings:
    """Display settings of one tile."""

    key: str
    title: str | None
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The contents of a data group, their layout and its settings."""

    layout_type: DataGroupLayoutType
    contents: list[LayoutEntry]
    layout: Any
    timeline: list[str]
    fixed_layout: bool
    tile_settings: list[TileSettings] | None
    has_multilayer_labels: bool | None

    @classmethod
    def from_json(cls, values: dict[str, Any], contents: list[LayoutEntry]) -> "Layout":
        """Return the layout of some contents from its stored form."""
        tiles = values["tile_settings"]
        return cls(
            layout_type=DataGroupLayoutType(values["layout_type"]),
            contents=contents,
            layout=values["layout"],
            timeline=values["timeline"],
            fixed_layout=values["fixed_layout"],
            tile_settings=None if tiles is None else [TileSettings(**tile) for tile in tiles],
            has_multilayer_labels=values["has_multilayer_labels"],
        )


class LayoutRow(NamedTuple):
    """A data group and its layout, as it is stored."""

    uuid: UUID
    data_group: dict[str, Any] | None


@batch(items.c.uuid, work=5)
async def layout_of(context: Context, keys: list[UUID]) -> list[Layout | None]:
    """Load the layouts of data groups; None for other items."""
    selected = sa.select(items.c.uuid, items.c.data_group).where(
        in_keys(items.c.uuid, keys), items.c.item_type == StorageItemType.GROUP
    )
    rows = await context.database.rows(selected, LayoutRow)
    stored = {row.uuid: row.data_group for row in rows if row.data_group}
    contents: dict[UUID, list[LayoutEntry]] = defaultdict(list)
    if stored:
        members = sa.select(group_members).where(in_keys(group_members.c.group_uuid, [*stored]))
        ordered = members.order_by(group_members.c.position)
        for row in await context.database.rows(ordered, GroupMemberRecord):
            contents[row.group_uuid].append(LayoutEntry(row.key or "", row.item_uuid))
    layouts = {uuid: Layout.from_json(values, contents[uuid]) for uuid, values in stored.items()}
    return [layouts.get(key) for key in keys]


settings_of = SameRow()
