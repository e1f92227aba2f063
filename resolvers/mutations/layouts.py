"""Validation of new data groups: their contents, layouts and display settings."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.rules.layouts import default_carousel, default_grid
from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.error_texts import between, exactly_one_of, sized, unknown
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
    LayoutTileInput,
)

MAX_CONTENTS = 50
MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """A validated data group that is to be created.

    `keys` and `paths` have an entry for each item: its key in the layout, and its place in the
    input. `layout` is the stored form of layout and settings. `same_ratio_path` is the place of the
    setting that needs images of the same aspect ratio, if it is on.
    """

    name: str | None
    client_metadata: dict[str, Any]
    item_uuids: list[UUID]
    keys: list[str]
    paths: list[Path]
    layout: dict[str, Any]
    same_ratio_path: Path | None = None


def read_group(input: DataGroupInput, *path: str | int) -> GroupPlan:
    """Return the plan of a data group; raise a domain error at its first invalid field."""
    if input.custom not in (None, UNSET):
        return _custom_group(input.custom, *path, "custom")
    if input.grid not in (None, UNSET):
        return _default_group(input.grid, DataGroupLayoutType.GRID, *path, "grid")
    if input.carousel in (None, UNSET):
        raise bad_input(exactly_one_of("grid", "carousel", "custom"), *path)
    return _default_group(input.carousel, DataGroupLayoutType.CAROUSEL, *path, "carousel")


def _default_group(
    input: DataGroupGridInput | DataGroupCarouselInput,
    layout_type: DataGroupLayoutType,
    *path: str | int,
) -> GroupPlan:
    """Return the plan of a group with a generated layout; the keys are the items' positions."""
    uuids = input.layout_contents
    _check_contents(uuids, *path, "layoutContents")
    keys = [str(index) for index in range(len(uuids))]
    is_grid = layout_type is DataGroupLayoutType.GRID
    tree = default_grid(keys) if is_grid else default_carousel(keys)
    paths: list[Path] = [(*path, "layoutContents", index) for index in range(len(uuids))]
    name, metadata = _validate_attributes(input, *path)
    return GroupPlan(name, metadata, uuids, keys, paths, _stored(layout_type, tree, [], None))


def _custom_group(input: DataGroupCustomInput, *path: str | int) -> GroupPlan:
    """Return the plan of a group with a layout of the client's own.

    Each item must be shown: in the layout, on the timeline, or in both.
    """
    uuids = [entry.item_uuid for entry in input.contents]
    keys = [entry.key for entry in input.contents]
    _check_contents(uuids, *path, "contents")
    for index, key in enumerate(keys):
        if not 1 <= len(key) <= MAX_KEY:
            raise bad_input(sized("key", 1, MAX_KEY, len(key)), *path, "contents", index, "key")
    check_unique(keys, "key", (*path, "contents"), "key")
    if input.layout is None and not input.timeline:
        raise bad_input("Set layout, or put every item on the timeline.", *path, "layout")
    tree = (
        None
        if input.layout is None
        else validate_tree(input.layout, "key", set(keys), *path, "layout")
    )
    check_known(input.timeline, "key", set(keys), *path, "timeline")
    check_unique(input.timeline, "key", (*path, "timeline"))
    in_layout = [] if input.layout is None else [key for key, _ in _keys_in(input.layout, path)]
    if hidden := [key for key in keys if key not in {*in_layout, *input.timeline}]:
        message = (
            f"Every key must be in the layout or on the timeline. Missing: {', '.join(hidden)}."
        )
        raise bad_input(message, *path, "layout")
    _check_tiles(input.settings, set(keys), *path, "settings", "tileSettings")
    has_shared_labels = input.settings and input.settings.has_multilayer_labels
    paths: list[Path] = [(*path, "contents", index, "itemUuid") for index in range(len(uuids))]
    name, metadata = _validate_attributes(input, *path)
    return GroupPlan(
        name,
        metadata,
        uuids,
        keys,
        paths,
        _stored(DataGroupLayoutType.CUSTOM, tree, input.timeline, input.settings),
        (*path, "settings", "hasMultilayerLabels") if has_shared_labels else None,
    )


def _validate_attributes(
    input: DataGroupGridInput | DataGroupCarouselInput | DataGroupCustomInput, *path: str | int
) -> tuple[str | None, dict[str, Any]]:
    name = None if input.name is None else validate_name(input.name, *path, "name")
    return name, validate_metadata(input.client_metadata, *path, "clientMetadata")


def _stored(
    layout_type: DataGroupLayoutType,
    tree: dict[str, Any] | None,
    timeline: Sequence[str],
    settings: DataGroupLayoutSettingsInput | None,
) -> dict[str, Any]:
    """Return the stored form of a layout and its settings, without the contents."""
    settings = settings or DataGroupLayoutSettingsInput()
    tiles = settings.tile_settings
    return {
        "layout_type": layout_type,
        "layout": tree,
        "timeline": list(timeline),
        "fixed_layout": settings.fixed_layout,
        "tile_settings": None if tiles is None else [asdict(tile) for tile in tiles],
        "has_multilayer_labels": settings.has_multilayer_labels,
    }


def validate_tree(
    node: LayoutNodeInput, noun: str, known: set[str], *path: str | int
) -> dict[str, Any]:
    """Return a layout tree as JSON; each of its keys must be known and occur once.

    `noun` is what messages call a key.
    """
    check_unique([key for key, _ in _keys_in(node, path)], noun, path)
    for key, key_path in _keys_in(node, path):
        check_known([key], noun, known, *key_path)
    return _to_json(node, *path)


def _to_json(node: LayoutNodeInput, *path: str | int) -> dict[str, Any]:
    match _content_of(node, path):
        case LayoutGridInput() as grid:
            share = grid.split_percentage
            _check_share(share, 5, 95, "splitPercentage", *path, "grid")
            return {
                "grid": {
                    "direction": grid.direction,
                    "first": _to_json(grid.first, *path, "grid", "first"),
                    "second": _to_json(grid.second, *path, "grid", "second"),
                    "splitPercentage": share,
                }
            }
        case LayoutCarouselTileInput() as carousel:
            share = carousel.carousel_size
            _check_share(share, 10, 70, "carouselSize", *path, "carousel")
            return {
                "carousel": {
                    "keys": carousel.keys,
                    "carouselPosition": carousel.carousel_position,
                    "carouselSize": share,
                }
            }
        case tile:
            return {"tile": {"key": tile.key}}


def _keys_in(node: LayoutNodeInput, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the keys of a layout tree with their places in the input."""
    match _content_of(node, path):
        case LayoutGridInput() as grid:
            yield from _keys_in(grid.first, (*path, "grid", "first"))
            yield from _keys_in(grid.second, (*path, "grid", "second"))
        case LayoutCarouselTileInput() as carousel:
            if not carousel.keys:
                raise bad_input(
                    sized("keys", 1, MAX_CONTENTS, 0, "entries"), *path, "carousel", "keys"
                )
            yield from ((key, (*path, "carousel", "keys")) for key in carousel.keys)
        case tile:
            yield tile.key, (*path, "tile", "key")


def _content_of(
    node: LayoutNodeInput, path: Path
) -> LayoutGridInput | LayoutTileInput | LayoutCarouselTileInput:
    for content in (node.grid, node.tile, node.carousel):
        if content is not None and content is not UNSET:
            return content
    raise bad_input(exactly_one_of("grid", "tile", "carousel"), *path)


def _check_share(share: float, least: int, most: int, field: str, *path: str | int) -> None:
    if not least <= share <= most:
        raise bad_input(between(field, least, most, share), *path, field)


def _check_contents(uuids: Sequence[UUID], *path: str | int) -> None:
    if not 1 <= len(uuids) <= MAX_CONTENTS:
        message = sized("A data group", 1, MAX_CONTENTS, len(uuids), "items")
        code = ErrorCode.LIMIT_EXCEEDED if uuids else ErrorCode.BAD_USER_INPUT
        raise DomainError(code, message, path)
    check_unique(uuids, "item", path)


def check_known(keys: Sequence[str], noun: str, known: set[str], *path: str | int) -> None:
    """Raise `BAD_USER_INPUT` unless each key is known; `noun` is what the message calls it."""
    for index, key in enumerate(keys):
        if key not in known:
            position = [index] if len(keys) > 1 else []
            raise bad_input(unknown(noun, key, known), *path, *position)


def _check_tiles(
    settings: DataGroupLayoutSettingsInput | None, known: set[str], *path: str | int
) -> None:
    """Raise `BAD_USER_INPUT` at the first invalid key or title of the tile settings."""
    tiles = settings.tile_settings or [] if settings else []
    for index, tile in enumerate(tiles):
        check_known([tile.key], "key", known, *path, index, "key")
        if tile.title is not None:
            validate_name(tile.title, *path, index, "title")
    check_unique([tile.key for tile in tiles], "key", path, "key")
