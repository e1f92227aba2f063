"""How time series and scenes answer: what is in them, and how they are to be shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import among
from gateway.execution.declarations import Batch, Derived
from gateway.kinds import SceneFormat, TimeSeriesColumnKind, TimeSeriesStyle
from gateway.models.items import items


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


def _kept(column: sa.Column[Any], read: Callable[[Any], Any]) -> Batch:
    """What is kept as JSON in a column that most items have nothing in."""

    async def load(context: Context, keys: list[UUID]) -> list[Any]:
        mine = among(context.database.dialect, items.c.uuid, keys)
        statement = sa.select(items.c.uuid, column.label("kept")).where(mine, column.is_not(None))
        found = {row.uuid: read(row.kept) for row in await context.database.rows(statement)}
        return [found.get(key) for key in keys]

    return Batch(("uuid",), load)


def _series(kept: dict[str, Any]) -> Series:
    columns = [Column(one["name"], TimeSeriesColumnKind(one["kind"])) for one in kept["columns"]]
    return Series(columns, kept["row_count"], kept["start"], kept["end"], kept["is_dated"])


def _view_settings(kept: dict[str, Any]) -> ViewSettings:
    return ViewSettings([Channel(**{**one, "style": TimeSeriesStyle(one["style"])}) for one in kept["channels"]])


def _moment(name: str) -> Derived:
    def value(series: Series) -> datetime | None:
        return datetime.fromtimestamp(getattr(series, name), UTC) if series.is_dated else None

    return Derived((name, "is_dated"), value)


def _scene_format(kept: dict[str, Any]) -> SceneFormat | None:
    return SceneFormat(kept["format"]) if "format" in kept else None


series_of = _kept(items.c.time_series, _series)
view_settings_of = _kept(items.c.time_series_settings, _view_settings)
starts_at = _moment("start")
ends_at = _moment("end")
scene_document_of = _kept(items.c.scene, lambda kept: kept.get("document"))
scene_format_of = _kept(items.c.scene, _scene_format)
point_count_of = _kept(items.c.scene, lambda kept: kept.get("pointCount"))
