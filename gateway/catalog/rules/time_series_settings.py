"""Rules for the display settings of time series."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from gateway.catalog.rules.lists import check_unique
from gateway.error_texts import between, exactly_one_of, sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.kinds.enums import TimeSeriesStyle

MAX_CHANNELS = 100
MAX_TEXT = 1_024
_COLOR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_WIDTHS = {"line_width": ("lineWidth", 0.5, 6.0), "point_radius": ("pointRadius", 1.0, 8.0)}


@dataclass(kw_only=True)
class TimeSeriesLineChannelInput:
    """A channel drawn as a line."""

    header: str
    label: str | None = None
    color: str | None = None
    hidden: bool = False
    line_width: float = 1.5


@dataclass(kw_only=True)
class TimeSeriesPointsChannelInput:
    """A channel drawn as points."""

    header: str
    label: str | None = None
    color: str | None = None
    hidden: bool = False
    point_radius: float = 2.0


@dataclass(kw_only=True)
class TimeSeriesChannelInput:
    """A channel: set exactly one field."""

    line: TimeSeriesLineChannelInput | None = None
    points: TimeSeriesPointsChannelInput | None = None


@dataclass(kw_only=True)
class TimeSeriesViewSettingsInput:
    """Display settings of a time series."""

    channels: list[TimeSeriesChannelInput]


def series_settings(input: TimeSeriesViewSettingsInput, *path: str | int) -> dict[str, Any]:
    """Return display settings as they are stored.

    Whether the time series has such columns is checked later, once its columns are known.
    """
    if len(input.channels) > MAX_CHANNELS:
        message = sized("channels", 0, MAX_CHANNELS, len(input.channels), "entries")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (*path, "channels"))
    channels = [
        _channel(channel, *path, "channels", index) for index, channel in enumerate(input.channels)
    ]
    check_unique([channel["header"] for channel in channels], "column", (*path, "channels"))
    return {"channels": channels}


def _channel(input: TimeSeriesChannelInput, *path: str | int) -> dict[str, Any]:
    """Return the settings of a channel as they are stored, with its style."""
    style = TimeSeriesStyle.LINE if input.line else TimeSeriesStyle.POINTS
    channel = input.line or input.points
    if not channel:
        raise bad_input(exactly_one_of("line", "points"), *path)
    values, path = asdict(channel), (*path, style.lower())
    for name in ("header", "label"):
        if values[name] is not None and not 1 <= len(values[name]) <= MAX_TEXT:
            raise bad_input(sized(name, 1, MAX_TEXT, len(values[name])), *path, name)
    if values["color"] is not None and not _COLOR.fullmatch(values["color"]):
        raise bad_input(
            "color must be # and 3, 6 or 8 hex digits, such as #ff8800.", *path, "color"
        )
    for name, (field, least, most) in _WIDTHS.items():
        if name in values and not least <= values[name] <= most:
            raise bad_input(between(field, least, most, values[name]), *path, field)
    return {**values, "style": style}
