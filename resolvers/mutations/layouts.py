"""Data groups as clients want them laid out, read from their inputs and checked field by field."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.rules.layouts import default_carousel, default_grid
from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.kinds.enums import DataGroupLayoutType
from resolvers.inputs.data_groups import (
    DataGroupCarouselInput,
    DataGroupCustomInput,
    DataGroupGridInput,
    DataGroupInput,
    DataGroupLayoutSettingsInput,
    LayoutCarouselTileInput,
    LayoutGridInput,
    LayoutNodeInput,
)

MAX_CONTENTS = 50
MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A data group to be made: its items, each with its key and its place in the input, and how they are laid out."""

    name: str | None
    client_metadata: dict[str, Any]
    item_uuids: list[UUID]
    keys: list[str]
    paths: list[Path]
    layout: dict[str, Any]
    same_ratio_path: Path | None = None
    """The place of the setting that insists on it."""


def read_group(input: DataGroupInput, *path: str | int) -> GroupPlan:
    """What is to be made; raises the first thing that is wrong with it."""
    if input.custom not in (None, UNSET):
        return _custom(input.custom, *path, "custom")
    if input.grid not in (None, UNSET):
        return _plain(input.grid, DataGroupLayoutType.GRID, *path, "grid")
    if input.carousel in (None, UNSET):
        raise bad_input("Give one of grid, carousel and custom.", *path)
    return _plain(input.carousel, DataGroupLayoutType.CAROUSEL, *path, "carousel")


def _plain(
    input: DataGroupGridInput | DataGroupCarouselInput,
    layout_type: DataGroupLayoutType,
    *path: str | int,
) -> GroupPlan:
    """A layout that we make; the keys are the places of the items, from 0."""
    uuids = input.layout_contents
    _check_contents(uuids, *path, "layoutContents")
    keys = [str(place) for place in range(len(uuids))]
    arrange = default_grid if layout_type is DataGroupLayoutType.GRID else default_carousel
    layout = _layout(layout_type, arrange(keys), [], None)
    paths: list[Path] = [(*path, "layoutContents", place) for place in range(len(uuids))]
    return GroupPlan(*_attributes(input, *path), uuids, keys, paths, layout)


def _custom(input: DataGroupCustomInput, *path: str | int) -> GroupPlan:
    uuids, keys = (
        [entry.item_uuid for entry in input.contents],
        [entry.key for entry in input.contents],
    )
    _check_contents(uuids, *path, "contents")
    for place, key in enumerate(keys):
        if not 1 <= len(key) <= MAX_KEY:
            raise bad_input(
                f"A key has 1 to {MAX_KEY} characters.", *path, "contents", place, "key"
            )
    check_unique(keys, (*path, "contents"), "key")
    if input.layout is None and not input.timeline:
        raise bad_input("Without a layout, the timeline must show something.", *path, "layout")
    tree = None if input.layout is None else validate_tree(input.layout, set(keys), *path, "layout")
    check_known(input.timeline, set(keys), *path, "timeline")
    check_unique(input.timeline, (*path, "timeline"))
    _check_shown(keys, input, *path, "layout")
    layout = _layout(DataGroupLayoutType.CUSTOM, tree, input.timeline, input.settings)
    of_one_shape = _check_settings(input.settings, set(keys), *path, "settings")
    paths: list[Path] = [(*path, "contents", place, "itemUuid") for place in range(len(uuids))]
    return GroupPlan(*_attributes(input, *path), uuids, keys, paths, layout, of_one_shape)


def _check_shown(keys: Sequence[str], input: DataGroupCustomInput, *path: str | int) -> None:
    """Every content is shown somewhere: in the layout, on the timeline, or in both."""
    arranged = [] if input.layout is None else [key for key, _ in _keys_in(input.layout, path)]
    shown = {*arranged, *input.timeline}
    if missing := [key for key in keys if key not in shown]:
        raise bad_input(f"Neither here nor on the timeline is shown: {', '.join(missing)}.", *path)


def _attributes(input: Any, *path: str | int) -> tuple[str | None, dict[str, Any]]:
    name = None if input.name is None else validate_name(input.name, *path, "name")
    return name, validate_metadata(input.client_metadata, *path, "clientMetadata")


def _layout(
    layout_type: DataGroupLayoutType,
    tree: dict[str, Any] | None,
    timeline: Sequence[str],
    settings: DataGroupLayoutSettingsInput | None,
) -> dict[str, Any]:
    """All of it but the contents, as it is kept."""
    given = settings or DataGroupLayoutSettingsInput()
    tiles = None if given.tile_settings is None else [asdict(tile) for tile in given.tile_settings]
    return {
        "layout_type": layout_type,
        "layout": tree,
        "timeline": list(timeline),
        "fixed_layout": given.fixed_layout,
        "tile_settings": tiles,
        "has_multilayer_labels": given.has_multilayer_labels,
    }


def validate_tree(node: LayoutNodeInput, known: set[str], *path: str | int) -> dict[str, Any]:
    """The tree as JSON, in which every key is known and stands once."""
    check_unique([key for key, _ in _keys_in(node, path)], path)
    for key, place in _keys_in(node, path):
        check_known([key], known, *place)
    return _tree(node, *path)


def _tree(node: LayoutNodeInput, *path: str | int) -> dict[str, Any]:
    match _only(node, path):
        case LayoutGridInput() as grid:
            share = _share(grid.split_percentage, 5, 95, *path, "grid", "splitPercentage")
            first, second = (
                _tree(getattr(grid, part), *path, "grid", part) for part in ("first", "second")
            )
            split = {
                "direction": grid.direction,
                "first": first,
                "second": second,
                "splitPercentage": share,
            }
            return {"grid": split}
        case LayoutCarouselTileInput() as strip:
            share = _share(strip.carousel_size, 10, 70, *path, "carousel", "carouselSize")
            shown = {
                "keys": strip.keys,
                "carouselPosition": strip.carousel_position,
                "carouselSize": share,
            }
            return {"carousel": shown}
        case tile:
            return {"tile": {"key": tile.key}}


def _keys_in(node: LayoutNodeInput, path: Path) -> Iterator[tuple[str, Path]]:
    match _only(node, path):
        case LayoutGridInput() as grid:
            yield from _keys_in(grid.first, (*path, "grid", "first"))
            yield from _keys_in(grid.second, (*path, "grid", "second"))
        case LayoutCarouselTileInput() as strip:
            if not strip.keys:
                raise bad_input("A carousel shows at least one item.", *path, "carousel", "keys")
            yield from ((key, (*path, "carousel", "keys")) for key in strip.keys)
        case tile:
            yield tile.key, (*path, "tile", "key")


def _only(node: LayoutNodeInput, path: Path) -> Any:
    for part in (node.grid, node.tile, node.carousel):
        if part not in (None, UNSET):
            return part
    raise bad_input("Give one of grid, tile and carousel.", *path)


def _share(value: float, least: int, most: int, *path: str | int) -> float:
    if not least <= value <= most:
        raise bad_input(f"This share is from {least} to {most} per cent, not {value:g}.", *path)
    return value


def _check_contents(uuids: Sequence[UUID], *path: str | int) -> None:
    if not 1 <= len(uuids) <= MAX_CONTENTS:
        message = f"A data group has 1 to {MAX_CONTENTS} items, not {len(uuids):,}."
        raise DomainError(
            ErrorCode.LIMIT_EXCEEDED if uuids else ErrorCode.BAD_USER_INPUT, message, path
        )
    check_unique(uuids, path)


def check_known(keys: Sequence[str], known: set[str], *path: str | int) -> None:
    """Every key is that of a content."""
    for place, key in enumerate(keys):
        if key not in known:
            raise bad_input(
                "The contents have no such key.", *path, *([place] if len(keys) > 1 else [])
            )


def _check_settings(
    settings: DataGroupLayoutSettingsInput | None, known: set[str], *path: str | int
) -> Path | None:
    """Titles and keys of tiles; the place of what insists on images of one shape, if it does."""
    if settings is None:
        return None
    tiles = settings.tile_settings or []
    for place, tile in enumerate(tiles):
        check_known([tile.key], known, *path, "tileSettings", place, "key")
        if tile.title is not None:
            validate_name(tile.title, *path, "tileSettings", place, "title")
    check_unique([tile.key for tile in tiles], (*path, "tileSettings"), "key")
    return (*path, "hasMultilayerLabels") if settings.has_multilayer_labels else None
