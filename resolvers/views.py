"""How time series and scenes answer: what is in them, and how they are to be shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.execution.declarations import Computed
from gateway.kinds.enums import SceneFormat, TimeSeriesColumnKind, TimeSeriesStyle
from gateway.models.items import items
from resolvers.json_columns import json_column


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a time series."""

    name: str
    kind: TimeSeriesColumnKind


@dataclass(frozen=True, slots=True)
class Series:
    """What is in a time series."""

    columns: list[Column]
    row_count: int
    start: float
    end: float
    is_dated: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """How a channel is drawn; the type of the schema is told by `style`."""

    header: str
    label: str | None
    color: str | None
    hidden: bool
    style: TimeSeriesStyle
    line_width: float | None = None
    point_radius: float | None = None


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """How a time series is shown."""

    channels: list[Channel]


def _series(values: dict[str, Any]) -> Series:
    columns = [Column(one["name"], TimeSeriesColumnKind(one["kind"])) for one in values["columns"]]
    return Series(columns, values["row_count"], values["start"], values["end"], values["is_dated"])


def _view_settings(values: dict[str, Any]) -> ViewSettings:
    return ViewSettings(
        [Channel(**{**one, "style": TimeSeriesStyle(one["style"])}) for one in values["channels"]]
    )


def _moment(name: str) -> Computed:
    def value(series: Series) -> datetime | None:
        return datetime.fromtimestamp(getattr(series, name), UTC) if series.is_dated else None

    return Computed((name, "is_dated"), value)


def _scene_format(values: dict[str, Any]) -> SceneFormat | None:
    return SceneFormat(values["format"]) if "format" in values else None


series_of = json_column(items.c.uuid, items.c.time_series, _series)
view_settings_of = json_column(items.c.uuid, items.c.time_series_settings, _view_settings)
starts_at = _moment("start")
ends_at = _moment("end")
scene_document_of = json_column(items.c.uuid, items.c.scene, lambda values: values.get("document"))
scene_format_of = json_column(items.c.uuid, items.c.scene, _scene_format)
point_count_of = json_column(items.c.uuid, items.c.scene, lambda values: values.get("pointCount"))
