"""What is in a time series, and how it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.kinds.enums import TimeSeriesColumnKind, TimeSeriesStyle
from resolvers import views
from resolvers.inputs.scalars import BigInt
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="A column of a time series.")
class TimeSeriesColumn:
    name: str = column("Its name in the header.")
    kind: TimeSeriesColumnKind = column("What it holds.")


@of()
@strawberry.type(description="What is in a time series, found by reading all of it.")
class TimeSeriesContent:
    columns: list[TimeSeriesColumn] = column("Its columns in their order, at most 1,000.")
    row_count: BigInt = column("How many rows it has, the header not counted.")
    start: float = column(
        "The time of the first row: a number as it stands there, or the seconds since 1970 of a date."
    )
    end: float = column("The time of the last row.")
    starts_at: datetime | None = resolved(
        views.starts_at, "The moment of the first row, if the file has dates."
    )
    ends_at: datetime | None = resolved(
        views.ends_at, "The moment of the last row, if the file has dates."
    )


@strawberry.interface(description="How one channel of a time series is drawn.")
class TimeSeriesChannel:
    header: str = column("The column's name.")
    label: str | None = column("What is shown instead of it.")
    color: str | None = column("# and 3, 6 or 8 hex digits; null leaves it to the viewer.")
    hidden: bool = column("Whether it is not shown at first.")
    style: TimeSeriesStyle = column("How it is drawn.")

    @classmethod
    def resolve_type(
        cls, row: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType
    ) -> str:
        """The type of a channel."""
        return (
            "TimeSeriesLineChannel"
            if row.style is TimeSeriesStyle.LINE
            else "TimeSeriesPointsChannel"
        )


@of()
@strawberry.type(description="A channel drawn as a line.")
class TimeSeriesLineChannel(TimeSeriesChannel):
    line_width: float = column("Pixels.")


@of()
@strawberry.type(description="A channel drawn as points.")
class TimeSeriesPointsChannel(TimeSeriesChannel):
    point_radius: float = column("Pixels.")


@of()
@strawberry.type(description="How a time series is shown (ENC-TSV).")
class TimeSeriesViewSettings:
    channels: list[TimeSeriesChannel] = column(
        "The channels that somebody has settled, at most 100; others are lines."
    )
