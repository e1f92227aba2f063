"""How time series and scenes are to be shown, read from inputs, checked field by field, and kept as plain JSON."""

from collections.abc import Collection, Mapping
from typing import Any

from strawberry import UNSET

from gateway.catalog.rules.lists import check_unique
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.catalog.rules.time_series_settings import series_settings
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.kinds.item_kinds import StorageItemType
from resolvers.inputs.views import SceneLayoutInput, SceneViewSettingsInput
from resolvers.mutations.layouts import (
    MAX_CONTENTS,
    MAX_KEY,
    check_known,
    validate_tree,
)


def check_headers(
    settings: Mapping[str, Any], series: Mapping[str, Any] | None, *path: str | int
) -> None:
    """The columns that are to be drawn are there."""
    known = {column["name"] for column in (series or {}).get("columns", ())}
    for place, channel in enumerate(settings["channels"]):
        if channel["header"] not in known:
            raise bad_input("The time series has no such column.", *path, "channels", place)


def view_changes(input: Any, present: Any, *path: str | int) -> dict[str, Any]:
    """What an update asks of how an item is shown: absent leaves it, null goes back to the default (SUB-031)."""
    values: dict[str, Any] = {}
    if input.time_series_settings is not UNSET:
        _check_kind(present, StorageItemType.TIMESERIES, "timeSeriesSettings", path)
        values["time_series_settings"] = None
        if input.time_series_settings is not None:
            values["time_series_settings"] = series_settings(
                input.time_series_settings, *path, "timeSeriesSettings"
            )
            check_headers(
                values["time_series_settings"], present.time_series, *path, "timeSeriesSettings"
            )
    if input.scene_view_settings is not UNSET:
        _check_kind(present, StorageItemType.SCENE, "sceneViewSettings", path)
        values["scene_view_settings"] = _scene_settings(
            input.scene_view_settings, *path, "sceneViewSettings"
        )
    if input.scene_layout is not UNSET:
        _check_kind(present, StorageItemType.SCENE, "sceneLayout", path)
        values["scene_layout"] = _scene_layout(input.scene_layout, *path, "sceneLayout")
    return values


def _check_kind(
    present: Any, wanted: StorageItemType, field: str, path: Collection[str | int]
) -> None:
    if present.item_type is not wanted:
        raise bad_input(
            f"Only an item of type {wanted} has this; the item is of type {present.item_type}.",
            *path,
            field,
        )


def _scene_settings(
    input: SceneViewSettingsInput | None, *path: str | int
) -> dict[str, Any] | None:
    if input is None:
        return None
    if input.point_cloud_colouring is not None and not 1 <= len(input.point_cloud_colouring) <= 100:
        raise bad_input("This has 1 to 100 characters.", *path, "pointCloudColouring")
    if input.point_radius is not None and not 0 < input.point_radius <= 100:
        raise bad_input("pointRadius is more than 0 and at most 100.", *path, "pointRadius")
    circles = input.radius_indicators or []
    if len(circles) > MAX_CONTENTS or any(not circle > 0 for circle in circles):
        raise bad_input(
            f"There are at most {MAX_CONTENTS} circles, each further away than 0.",
            *path,
            "radiusIndicators",
        )
    return {
        "pointCloudColouring": input.point_cloud_colouring,
        "pointRadius": input.point_radius,
        "renderImageOutsideBaseRange": input.render_image_outside_base_range,
        "radiusIndicators": input.radius_indicators,
        "radiusFilterEnabled": input.radius_filter_enabled,
    }


def _scene_layout(input: SceneLayoutInput | None, *path: str | int) -> dict[str, Any] | None:
    if input is None:
        return None
    if not 1 <= len(input.tiles) <= MAX_CONTENTS or len(input.timeline) > MAX_CONTENTS:
        message = f"A scene has 1 to {MAX_CONTENTS} tiles, and at most as many on the timeline."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (*path, "tiles"))
    tiles = [_scene_tile(tile, *path, "tiles", place) for place, tile in enumerate(input.tiles)]
    ids = [tile["id"] for tile in tiles]
    check_unique(ids, (*path, "tiles"), "id")
    check_known(input.timeline, set(ids), *path, "timeline")
    check_unique(input.timeline, (*path, "timeline"))
    tree = None if input.layout is None else validate_tree(input.layout, set(ids), *path, "layout")
    return {"tiles": tiles, "layout": tree, "timeline": input.timeline}


def _scene_tile(tile: Any, *path: str | int) -> dict[str, Any]:
    if not 1 <= len(tile.id) <= MAX_KEY:
        raise bad_input(f"An id has 1 to {MAX_KEY} characters.", *path, "id")
    title = None if tile.title is None else validate_name(tile.title, *path, "title")
    return {
        "id": tile.id,
        "title": title,
        "settings": validate_metadata(tile.settings, *path, "settings"),
    }
