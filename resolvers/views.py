"""Time series and scenes: how their contents and view settings are resolved."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.auth.identity import sees_identity_of
from gateway.execution.declarations import Computed
from gateway.kinds.enums import SceneFormat, TimeSeriesColumnKind, TimeSeriesStyle
from gateway.kinds.time_series import TimeSeriesReading
from gateway.models.items import items
from resolvers.json_columns import json_column

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a time series."""

    name: str
    kind: TimeSeriesColumnKind
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The columns, rows and time range of a time series, and how it was read.

    `start` and `end` are seconds if the unit is known; if `is_dated`, since 1970. They are None
    if the times are ambiguous.
    """

    columns: list[Column]
    row_count: int
    start: float | None
    end: float | None
    is_dated: bool
    parsing: TimeSeriesReading | None

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Series":
        """Return a series from its stored form."""
        columns = [
            Column(column["name"], TimeSeriesColumnKind(column["kind"]), column.get("unit"))
            for column in values["columns"]
        ]
        parsing = values.get("parsing")
        return cls(
            columns,
            values["row_count"],
            values["start"],
            values["end"],
            values["is_dated"],
            None if parsing is None else TimeSeriesReading.from_json(parsing),
        )


@dataclass(frozen=True, slots=True)
class Channel:
    """Style of a channel; `style` decides between the GraphQL types for lines and points."""

    header: str
    label: str | None
    color: str | None
    hidden: bool
    style: TimeSeriesStyle
    line_width: float | None = None
    point_radius: float | None = None


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """View settings of a time series."""

    channels: list[Channel]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ViewSettings":
        """Return view settings from their stored form."""
        styles = [TimeSeriesStyle(channel["style"]) for channel in values["channels"]]
        return cls(
            [
                Channel(**{**channel, "style": style})
                for channel, style in zip(values["channels"], styles, strict=True)
            ]
        )


def _time(name: str) -> Computed:
    """Return a bound of a series as a time; None if the series counts from its own start."""

    def value(series: Series) -> datetime | None:
        seconds = getattr(series, name)
        if seconds is None or not series.is_dated:
            return None
        try:
            return _EPOCH + timedelta(seconds=seconds)
        except OverflowError:  # it is no time of the years 1 to 9999
            return None

    return Computed((name, "is_dated"), value)


series_of = json_column(
    items.c.uuid,
    items.c.time_series,
    Series.from_json,
    access=sees_identity_of,
)
view_settings_of = json_column(items.c.uuid, items.c.time_series_settings, ViewSettings.from_json)
starts_at = _time("start")
ends_at = _time("end")
scene_document_of = json_column(
    items.c.uuid,
    items.c.scene,
    lambda values: values.get("document"),
    access=sees_identity_of,
)
scene_format_of = json_column(
    items.c.uuid,
    items.c.scene,
    lambda values: SceneFormat(values["format"]) if "format" in values else None,
)
point_count_of = json_column(items.c.uuid, items.c.scene, lambda values: values.get("pointCount"))
