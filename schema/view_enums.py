"""Enum types about how groups, time series and scenes are read and shown, and their values."""

from gateway.kinds.enums import (
    CarouselPosition,
    DataGroupLayoutType,
    LayoutDirection,
    SceneFormat,
    TimeSeriesColumnKind,
    TimeSeriesStyle,
)
from gateway.kinds.time_series import (
    TimeSeriesDateOrder,
    TimeSeriesDecimalMark,
    TimeSeriesTimeFormat,
    TimeSeriesTimeUnit,
)
from schema.enums import described

described(
    DataGroupLayoutType,
    GRID="Generated: a grid of tiles of about equal size.",
    CAROUSEL="Generated: one item at a time, chosen from a strip.",
    CUSTOM="Supplied by the client.",
)
described(LayoutDirection, ROW="Side by side.", COLUMN="One above the other.")
described(
    CarouselPosition,
    LEFT="To the left of the current item.",
    RIGHT="To the right of the current item.",
    TOP="Above the current item.",
    BOTTOM="Below the current item.",
)
described(
    TimeSeriesColumnKind,
    TIME="The time axis, or a part of it such as the date.",
    NUMBER="A channel of numbers, possibly with gaps.",
    TEXT="Anything else.",
)
described(
    TimeSeriesTimeFormat,
    DATE_TIME="Dates with or without a time of day, such as `2024-01-31 10:00`, or years.",
    CLOCK="Times of day or elapsed times, such as `10:05:07.5`.",
    UNIX_TIME="Numbers that count from 1970-01-01 UTC, in `timeUnit`.",
    EXCEL_DATE="Days since 1899-12-30, as spreadsheets store dates.",
    NUMBER="Numbers that count from an origin of the file's own, in `timeUnit`.",
)
described(
    TimeSeriesTimeUnit,
    NANOSECONDS="Nanoseconds.",
    MICROSECONDS="Microseconds.",
    MILLISECONDS="Milliseconds.",
    SECONDS="Seconds.",
    MINUTES="Minutes.",
    HOURS="Hours.",
    DAYS="Days of 24 hours.",
    WEEKS="Weeks.",
)
described(
    TimeSeriesDateOrder,
    DAY_MONTH_YEAR="`31/01/2024`.",
    MONTH_DAY_YEAR="`01/31/2024`.",
    YEAR_MONTH_DAY="`24/01/31`.",
)
described(TimeSeriesDecimalMark, POINT="`1.5`.", COMMA="`1,5`.")
described(TimeSeriesStyle, LINE="As a line.", POINTS="As points.")
described(
    SceneFormat,
    BAG="ROS 1 recording.",
    DB3="ROS 2 recording.",
    E57="Laser scan in the ASTM E57 format.",
    LAS="Laser scan.",
    LAZ="Compressed laser scan.",
    MCAP="Recording of several channels in the MCAP container format.",
    PCD="Point cloud in the PCD format.",
    PLY="Point cloud or mesh in the PLY format.",
)
