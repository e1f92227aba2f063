"""Contents of time series, and how they are displayed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.kinds.enums import TimeSeriesColumnKind, TimeSeriesStyle
from gateway.scalars import BigInt
from resolvers import views
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="A column of a time series.")
class TimeSeriesColumn:
    name: str = column("The column's name in the header.")
    kind: TimeSeriesColumnKind = column("The kind of values in the column.")


@row_type()
@strawberry.type(description="Contents of a time series, determined by reading the whole file.")
class TimeSeriesContent:
    columns: list[TimeSeriesColumn] = column("The columns in order; at most 1,000.")
    row_count: BigInt = column("Number of rows, not counting the header.")
    start: float = column(
        "Time of the first row: the number in the time column or, for timestamps, seconds since "
        "1970-01-01 UTC."
    )
    end: float = column("Time of the last row, like `start`.")
    starts_at: datetime | None = resolved(
        views.starts_at,
        "Time of the first row, in UTC. Null if the time column contains plain numbers.",
    )
    ends_at: datetime | None = resolved(
        views.ends_at,
        "Time of the last row, in UTC. Null if the time column contains plain numbers.",
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
