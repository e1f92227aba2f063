"""View settings of time series and scenes in updates: validated, and returned as stored JSON."""

from typing import Any, Protocol

from strawberry import UNSET

from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.catalog.rules.time_series_settings import TimeSeriesViewSettingsInput, series_settings
from gateway.error_texts import sized, unknown
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import ItemRecord
from resolvers.inputs.views import SceneLayoutInput, SceneViewSettingsInput
from resolvers.mutations.layouts import (
    MAX_CONTENTS,
    MAX_KEY,
    check_known,
    validate_tree,
)

MAX_COLOURING = 100
MAX_POINT_RADIUS = 100


class ViewsInput(Protocol):
    """The fields of an item update that change how it is shown; UNSET leaves one as it is."""

    time_series_settings: TimeSeriesViewSettingsInput | None
    scene_view_settings: SceneViewSettingsInput | None
    scene_layout: SceneLayoutInput | None


def view_changes(input: ViewsInput, item: ItemRecord, *path: str | int) -> dict[str, Any]:
    """Return the new values of an update's view settings, by column; null resets to the default."""
    values: dict[str, Any] = {}
    if input.time_series_settings is not UNSET:
        at = (*path, "timeSeriesSettings")
        _check_type(item, StorageItemType.TIMESERIES, at)
        settings = input.time_series_settings and series_settings(input.time_series_settings, *at)
        values["time_series_settings"] = settings
        columns = {column["name"] for column in (item.time_series or {}).get("columns", ())}
        for index, channel in enumerate((settings or {}).get("channels", ())):
            if channel["header"] not in columns:
                raise bad_input(
                    unknown("column", channel["header"], columns), *at, "channels", index
                )
    if input.scene_view_settings is not UNSET:
        at = (*path, "sceneViewSettings")
        _check_type(item, StorageItemType.SCENE, at)
        values["scene_view_settings"] = input.scene_view_settings and _scene_settings(
            input.scene_view_settings, *at
        )
    if input.scene_layout is not UNSET:
        at = (*path, "sceneLayout")
        _check_type(item, StorageItemType.SCENE, at)
        values["scene_layout"] = input.scene_layout and _scene_layout(input.scene_layout, *at)
    return values


def _check_type(item: ItemRecord, item_type: StorageItemType, path: Path) -> None:
    if item.item_type is not item_type:
        message = (
            f"{path[-1]} can only be set on items of type {item_type}; "
            f"this item is of type {item.item_type}."
        )
        raise bad_input(message, *path)


def _scene_settings(input: SceneViewSettingsInput, *path: str | int) -> dict[str, Any]:
    """Return the stored form of a scene's view settings."""
    colouring, radius = input.point_cloud_colouring, input.point_radius
    if colouring is not None and not 1 <= len(colouring) <= MAX_COLOURING:
        message = sized("pointCloudColouring", 1, MAX_COLOURING, len(colouring))
        raise bad_input(message, *path, "pointCloudColouring")
    if radius is not None and not 0 < radius <= MAX_POINT_RADIUS:
        message = f"pointRadius must be greater than 0 and at most {MAX_POINT_RADIUS:,}, not {radius:,.15g}."
        raise bad_input(message, *path, "pointRadius")
    circles = input.radius_indicators or []
    if len(circles) > MAX_CONTENTS:
        message = sized("radiusIndicators", 0, MAX_CONTENTS, len(circles), "entries")
        raise bad_input(message, *path, "radiusIndicators")
    if any(not circle > 0 for circle in circles):
        message = "Each entry of radiusIndicators must be greater than 0."
        raise bad_input(message, *path, "radiusIndicators")
    return {
        "pointCloudColouring": colouring,
        "pointRadius": radius,
        "renderImageOutsideBaseRange": input.render_image_outside_base_range,
        "radiusIndicators": input.radius_indicators,
        "radiusFilterEnabled": input.radius_filter_enabled,
    }


def _scene_layout(input: SceneLayoutInput, *path: str | int) -> dict[str, Any]:
    """Return the stored form of a scene's layout."""
    for name, least, entries in (("tiles", 1, input.tiles), ("timeline", 0, input.timeline)):
        if not least <= len(entries) <= MAX_CONTENTS:
            message = sized(name, least, MAX_CONTENTS, len(entries), "entries")
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (*path, "tiles"))
    tiles = []
    for index, tile in enumerate(input.tiles):
        at = (*path, "tiles", index)
        if not 1 <= len(tile.id) <= MAX_KEY:
            raise bad_input(sized("id", 1, MAX_KEY, len(tile.id)), *at, "id")
        title = None if tile.title is None else validate_name(tile.title, *at, "title")
        settings = validate_metadata(tile.settings, *at, "settings")
        tiles.append({"id": tile.id, "title": title, "settings": settings})
    ids = [tile.id for tile in input.tiles]
    check_unique(ids, "tile", (*path, "tiles"), "id")
    check_known(input.timeline, "tile", set(ids), *path, "timeline")
    check_unique(input.timeline, "tile", (*path, "timeline"))
    tree = (
        None
        if input.layout is None
        else validate_tree(input.layout, "tile", set(ids), *path, "layout")
    )
    return {"tiles": tiles, "layout": tree, "timeline": input.timeline}
