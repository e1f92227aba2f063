"""Inputs for the display settings of time series and scenes."""

import strawberry

from gateway.catalog.rules.time_series_parsing import TimeSeriesParsingInput
from gateway.catalog.rules.time_series_settings import (
    TimeSeriesChannelInput,
    TimeSeriesLineChannelInput,
    TimeSeriesPointsChannelInput,
    TimeSeriesViewSettingsInput,
)
from gateway.scalars import JSON
from resolvers.inputs.data_groups import LayoutNodeInput
from resolvers.inputs.registration import register_input

_HEADER = "Name of the column in the file. Each column may have one entry."
_LABEL = "Label shown instead of the column's name, 1 to 1,024 characters."
_COLOR = (
    "Color as `#` followed by 3, 6 or 8 hex digits, such as `#1f77b4`. Chosen by the client "
    "if omitted."
)
_HIDDEN = "Whether the channel is initially hidden."


register_input(
    TimeSeriesLineChannelInput,
    "A channel drawn as a line.",
    header=_HEADER,
    label=_LABEL,
    color=_COLOR,
    hidden=_HIDDEN,
    line_width="Width of the line in pixels, from 0.5 to 6.",
)


register_input(
    TimeSeriesPointsChannelInput,
    "A channel drawn as points.",
    header=_HEADER,
    label=_LABEL,
    color=_COLOR,
    hidden=_HIDDEN,
    point_radius="Radius of the points in pixels, from 1 to 8.",
)


register_input(
    TimeSeriesChannelInput,
    "Display settings of one channel. Set exactly one of the fields.",
    one_of=True,
    line="Draw the channel as a line.",
    points="Draw the channel as points.",
)


register_input(
    TimeSeriesViewSettingsInput,
    "Display settings of a time series. Channels without settings are drawn as lines.",
    channels="At most 100 channels, each of a different column.",
)


register_input(
    TimeSeriesParsingInput,
    "Settings for reading the table of a time series. Those that are omitted are found out from the "
    "file; see `TimeSeriesContent.parsing`.",
    encoding="Encoding of the text, by a name such as `UTF-8` or `windows-1252`.",
    delimiter="The character between fields. A space stands for any run of spaces and tabs.",
    decimal_mark="The decimal mark of numbers.",
    has_header="Whether the table begins with names of columns.",
    skipped_lines="Number of lines before the table, from 0 to 500.",
    time_columns="Names of the columns that together are the time, such as a date and a time of day; 1 to 6.",
    time_format="The form in which times are written.",
    time_unit="Unit of times that are numbers.",
    date_order="Order of day, month and year in dates of three numbers, where the dates leave it open.",
    time_zone="Time zone of dates without one: an IANA name such as `Europe/Berlin`, or an offset such as "
    "`+01:00`. UTC if omitted.",
)


@strawberry.input(
    description="Display settings of a scene. They are stored for clients, which choose whatever "
    "is omitted; Storegraph does not interpret them."
)
class SceneViewSettingsInput:
    point_cloud_colouring: str | None = strawberry.field(
        default=None,
        description="Attribute that determines the color of the points, such as `intensity`; 1 "
        "to 100 characters.",
    )
    point_radius: float | None = strawberry.field(
        default=None,
        description="Radius of the points, in a unit that clients define; greater than 0 and at most 100.",
    )
    render_image_outside_base_range: bool | None = strawberry.field(
        default=None,
        description="Whether images are also shown at times for which there are no points.",
    )
    radius_indicators: list[float] | None = strawberry.field(
        default=None,
        description="Radii of the circles that are drawn, in a unit that clients define; at most 50, "
        "each greater than 0.",
    )
    radius_filter_enabled: bool | None = strawberry.field(
        default=None, description="Whether points beyond the largest circle are hidden."
    )


@strawberry.input(description="A pane of a scene.")
class SceneTileInput:
    id: str = strawberry.field(description="1 to 200 characters, unique in the layout.")
    title: str | None = strawberry.field(
        default=None, description="Heading shown above the pane, at most 1,000 characters."
    )
    settings: JSON | None = strawberry.field(
        default=None, description="A JSON object of at most 256 KiB with settings for the client."
    )


@strawberry.input(description="Arrangement of a scene's panes.")
class SceneLayoutInput:
    tiles: list[SceneTileInput] = strawberry.field(description="1 to 50 panes.")
    layout: LayoutNodeInput | None = strawberry.field(
        default=None,
        description="The layout tree, with each pane's `id` once. Chosen by the client if omitted.",
    )
    timeline: list[str] = strawberry.field(
        default_factory=list,
        description="At most 50 `id`s of panes that are shown on the timeline.",
    )
