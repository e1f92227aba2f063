"""Contents of time series, and how they are displayed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.kinds.enums import TimeSeriesColumnKind, TimeSeriesStyle
from gateway.kinds.time_series import (
    TimeSeriesDateOrder,
    TimeSeriesDecimalMark,
    TimeSeriesTimeFormat,
    TimeSeriesTimeUnit,
)
from gateway.scalars import BigInt
from resolvers import views
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="A column of a time series.")
class TimeSeriesColumn:
    name: str = column(
        "The column's name in the header. A column without one is named `column 1` and so on by its "
        "position; a repeated name gets a number, such as `value.1`."
    )
    kind: TimeSeriesColumnKind = column("The kind of values in the column.")
    unit: str | None = column("Unit in a row of units below the header; null if there is none.")


@row_type()
@strawberry.type(
    description="Settings by which the table of a time series was read. To read a file "
    "differently, set `parsing` when uploading it."
)
class TimeSeriesParsing:
    encoding: str = column("Encoding of the text, as in `textEncoding`.")
    delimiter: str = column(
        "The character between fields. A space stands for any run of spaces and tabs."
    )
    decimal_mark: TimeSeriesDecimalMark = column("The decimal mark of numbers.")
    has_header: bool = column("Whether the names of columns are in the file.")
    skipped_lines: int = column(
        "Number of lines before the table: before its header, or its first row if there is none."
    )
    comment_prefix: str | None = column(
        "The characters with which comment lines begin; null if there are none."
    )
    time_columns: list[str] = column("The columns that together are the time, at most 6.")
    time_format: TimeSeriesTimeFormat = column("The form in which times are written.")
    time_unit: TimeSeriesTimeUnit | None = column(
        "Unit of times that are numbers; null if it is not known, and for other times."
    )
    date_order: TimeSeriesDateOrder | None = column(
        "Order in which day, month and year were read in dates of three numbers; null if it makes no "
        "difference, or cannot be known."
    )
    time_zone: str | None = column(
        "Time zone of dates without one: given at upload, named in the header, or `UTC`. Null for "
        "other times."
    )


@row_type()
@strawberry.type(description="Contents of a time series, determined by reading the whole file.")
class TimeSeriesContent:
    columns: list[TimeSeriesColumn] = column("The columns in order; at most 1,000.")
    row_count: BigInt = column("Number of rows, not counting the header.")
    start: float | None = column(
        "Earliest time, in seconds: since 1970-01-01 UTC if times are dates, otherwise since an origin "
        "of the file's own. If the unit is not known, it is the number in the time column. Null if "
        "day and month cannot be told apart."
    )
    end: float | None = column("Latest time, like `start`.")
    starts_at: datetime | None = resolved(
        views.starts_at, "Earliest time, in UTC. Null if the times are ambiguous, or not dates."
    )
    ends_at: datetime | None = resolved(
        views.ends_at, "Latest time, in UTC. Null if the times are ambiguous, or not dates."
    )
    parsing: TimeSeriesParsing | None = column(
        "The settings by which the file was read: those given at upload, and those found out. Null "
        "if the file was read by a version that did not record it."
    )


@strawberry.interface(description="Display settings of one channel of a time series.")
class TimeSeriesChannel:
    header: str = column("Name of the column.")
    label: str | None = column("Label shown instead of the column's name; null for none.")
    color: str | None = column(
        "Color as `#` followed by 3, 6 or 8 hex digits, such as `#1f77b4`. Null leaves the "
        "choice to the client."
    )
    hidden: bool = column("Whether the channel is initially hidden.")
    style: TimeSeriesStyle = column("The drawing style of the channel.")

    @classmethod
    def resolve_type(
        cls, row: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType
    ) -> str:
        """Return the GraphQL type of a channel."""
        return (
            "TimeSeriesLineChannel"
            if row.style is TimeSeriesStyle.LINE
            else "TimeSeriesPointsChannel"
        )


@row_type()
@strawberry.type(description="A channel drawn as a line.")
class TimeSeriesLineChannel(TimeSeriesChannel):
    line_width: float = column("Width of the line in pixels.")


@row_type()
@strawberry.type(description="A channel drawn as points.")
class TimeSeriesPointsChannel(TimeSeriesChannel):
    point_radius: float = column("Radius of the points in pixels.")


@row_type()
@strawberry.type(description="Display settings of a time series.")
class TimeSeriesViewSettings:
    channels: list[TimeSeriesChannel] = column(
        "The channels that have settings; at most 100. Other channels are drawn as lines."
    )
