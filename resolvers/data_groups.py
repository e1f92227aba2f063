"""How data groups answer: what they consist of, and how that is laid out."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import Batch, SameRow
from gateway.kinds.enums import DataGroupLayoutType
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import group_members, items


@dataclass(frozen=True, slots=True)
class LayoutEntry:
    """An item of a data group, under its key."""

    key: str
    item_uuid: UUID


@dataclass(frozen=True, slots=True)
class TileSettings:
    """How a tile is shown."""

    key: str
    title: str | None
    is_read_only: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """A data group with everything that a client needs to show it."""

    layout_type: DataGroupLayoutType
    contents: list[LayoutEntry]
    layout: Any
    timeline: list[str]
    fixed_layout: bool
    tile_settings: list[TileSettings] | None
    has_multilayer_labels: bool | None


async def _layouts(context: Context, keys: list[UUID]) -> list[Layout | None]:
    mine = in_keys(items.c.uuid, keys)
    groups = sa.select(items.c.uuid, items.c.data_group).where(
        mine, items.c.item_type == StorageItemType.GROUP
    )
    kept = {
        row.uuid: row.data_group for row in await context.database.rows(groups) if row.data_group
    }
    contents = await _contents(context, [*kept])
    layouts = {uuid: _layout(values, contents[uuid]) for uuid, values in kept.items()}
    return [layouts.get(key) for key in keys]


async def _contents(context: Context, groups: list[UUID]) -> dict[UUID, list[LayoutEntry]]:
    found: dict[UUID, list[LayoutEntry]] = defaultdict(list)
    if groups:
        of_these = in_keys(group_members.c.group_uuid, groups)
        statement = sa.select(group_members).where(of_these).order_by(group_members.c.position)
        for row in await context.database.rows(statement):
            found[row.group_uuid].append(LayoutEntry(row.key, row.item_uuid))
    return found


def _layout(kept: dict[str, Any], contents: list[LayoutEntry]) -> Layout:
    tiles = kept["tile_settings"]
    return Layout(
        layout_type=DataGroupLayoutType(kept["layout_type"]),
        contents=contents,
        layout=kept["layout"],
        timeline=kept["timeline"],
        fixed_layout=kept["fixed_layout"],
        tile_settings=None if tiles is None else [TileSettings(**tile) for tile in tiles],
        has_multilayer_labels=kept["has_multilayer_labels"],
    )


layout_of = Batch((items.c.uuid,), _layouts)
settings_of = SameRow()
