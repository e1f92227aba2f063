"""What a client sends of how a time series or a scene is to be shown."""

import strawberry

from resolvers.inputs.data_groups import LayoutNodeInput
from resolvers.inputs.scalars import JSON

_HEADER = "The column's name in the file; it has one entry at most."
_LABEL = "1 to 1,024 characters to show instead of the column's name."
_COLOR = "# and 3, 6 or 8 hex digits; the viewer's own choice if absent."
_HIDDEN = "Whether it is not shown at first."
_ONE = "This, or the other."


@strawberry.input(description="A channel drawn as a line (ENC-TSL).")
class TimeSeriesLineChannelInput:
    header: str = strawberry.field(description=_HEADER)
    label: str | None = strawberry.field(default=None, description=_LABEL)
    color: str | None = strawberry.field(default=None, description=_COLOR)
    hidden: bool = strawberry.field(default=False, description=_HIDDEN)
    line_width: float = strawberry.field(default=1.5, description="Pixels, from 0.5 to 6.")


@strawberry.input(description="A channel drawn as points (ENC-TSP).")
class TimeSeriesPointsChannelInput:
    header: str = strawberry.field(description=_HEADER)
    label: str | None = strawberry.field(default=None, description=_LABEL)
    color: str | None = strawberry.field(default=None, description=_COLOR)
    hidden: bool = strawberry.field(default=False, description=_HIDDEN)
    point_radius: float = strawberry.field(default=2.0, description="Pixels, from 1 to 8.")


@strawberry.input(one_of=True, description="How one channel is drawn.")
class TimeSeriesChannelInput:
    line: TimeSeriesLineChannelInput | None = strawberry.field(
        default=strawberry.UNSET, description=_ONE
    )
    points: TimeSeriesPointsChannelInput | None = strawberry.field(
        default=strawberry.UNSET, description=_ONE
    )


@strawberry.input(
    description="How a time series is shown; channels that are not named are lines (ENC-TSV)."
)
class TimeSeriesViewSettingsInput:
    channels: list[TimeSeriesChannelInput] = strawberry.field(
        description="At most 100, each of another column."
    )


@strawberry.input(description="How a scene is shown; what is absent is for the viewer to choose.")
class SceneViewSettingsInput:
    point_cloud_colouring: str | None = strawberry.field(
        default=None, description="What colours the points, such as intensity; 1 to 100 characters."
    )
    point_radius: float | None = strawberry.field(
        default=None, description="More than 0, at most 100."
    )
    render_image_outside_base_range: bool | None = strawberry.field(
        default=None, description="Whether images are shown at moments at which the points are not."
    )
    radius_indicators: list[float] | None = strawberry.field(
        default=None,
        description="Distances at which circles are drawn, at most 50, each more than 0.",
    )
    radius_filter_enabled: bool | None = strawberry.field(
        default=None, description="Whether points beyond the largest circle are hidden."
    )


@strawberry.input(description="One pane of a scene.")
class SceneTileInput:
    id: str = strawberry.field(description="1 to 200 characters, unlike those of the other tiles.")
    title: str | None = strawberry.field(
        default=None, description="What stands above it, at most 1,000 characters."
    )
    settings: JSON | None = strawberry.field(
        default=None, description="An object of what the viewer is to show there, at most 256 KB."
    )


@strawberry.input(description="Where a scene's panes are.")
class SceneLayoutInput:
    tiles: list[SceneTileInput] = strawberry.field(description="1 to 50 panes.")
    layout: LayoutNodeInput | None = strawberry.field(
        default=None,
        description="Where which tile is, each id once; the viewer's own choice if absent.",
    )
    timeline: list[str] = strawberry.field(
        default_factory=list, description="At most 50 ids of tiles that are shown on the timeline."
    )
