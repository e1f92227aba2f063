"""Data groups: how their contents and layouts are resolved."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import SameRow, batch
from gateway.execution.keysets import KEYS
from gateway.kinds.enums import DataGroupLayoutType
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import group_members, items


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


class ContentRow(NamedTuple):
    """An item of a data group."""

    group_uuid: UUID
    key: str | None
    item_uuid: UUID


_layouts = KeptStatement(
    lambda _viewer: sa.select(items.c.uuid, items.c.data_group).where(
        in_bound_keys(items.c.uuid, KEYS), items.c.item_type == StorageItemType.GROUP
    ),
    LayoutRow,
)
_contents = KeptStatement(
    lambda _viewer: (
        sa.select(group_members.c.group_uuid, group_members.c.key, group_members.c.item_uuid)
        .where(in_bound_keys(group_members.c.group_uuid, KEYS))
        .order_by(group_members.c.position)
    ),
    ContentRow,
)


@batch(items.c.uuid, work=5)
async def layout_of(context: Context, keys: list[UUID]) -> list[Layout | None]:
    """Load the layouts of data groups; None for other items."""
    database, viewer = context.database, context.viewer
    rows = await _layouts.rows(database, viewer, keys)
    stored = {row.uuid: row.data_group for row in rows if row.data_group}
    contents: dict[UUID, list[LayoutEntry]] = defaultdict(list)
    if stored:
        for row in await _contents.rows(database, viewer, [*stored]):
            contents[row.group_uuid].append(LayoutEntry(row.key or "", row.item_uuid))
    layouts = {uuid: Layout.from_json(values, contents[uuid]) for uuid, values in stored.items()}
    return [layouts.get(key) for key in keys]


settings_of = SameRow()
