"""Draws time series: a line for each of the first channels, each scaled to its own range."""

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from gateway.kinds.time_series import TimeSeriesReading
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import GROUND, Array
from gateway.media.encodings import open_text
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile
from gateway.media.table_layout import split_rows
from gateway.media.table_values import parse_number
from gateway.media.timeseries import SurveyedTable, survey_table

WIDTH, HEIGHT, MARGIN = 1024, 512, 16
INKS = (
    (31, 119, 180),
    (214, 39, 40),
    (44, 160, 44),
    (148, 103, 189),
    (255, 127, 14),
    (23, 190, 207),
)
"""Colours of the lines, and so the number of channels that are drawn."""
MAX_POINTS = 20_000
"""Rows that are drawn; of longer tables only every so many."""


def draw(
    file: ReadableFile, mime_type: str, frame: int, reading: Mapping[str, Any] | None = None
) -> Image.Image:
    """Return the first channels over time.

    Args:
        file: The table.
        mime_type: Its MIME type.
        frame: `COVER`.
        reading: How to read it, as the item states it; what is missing is found out.

    Raises:
        NoSuchFrame: A frame is requested; a table has none.
        MediaError: It is not a time series.
    """
    check_frame(frame, 0)
    table = survey_table(file, TimeSeriesReading.from_json(reading or {}))
    with open_text(file, table.encoding) as text:
        points = [*read_points(text, table)]
    if not points:
        raise MediaError("the table has no times that can be drawn")
    return plot(np.array(points, np.float64))


def read_points(lines: Iterable[str], table: SurveyedTable) -> Iterator[list[float]]:
    """Yield the time and the values of rows; a gap is not a number."""
    layout, survey, times = table.layout, table.survey, table.time.indexes
    others = {*times, *survey.text_columns}
    channels = [i for i in range(len(survey.names)) if i not in others][: len(INKS)]
    step = math.ceil(survey.row_count / MAX_POINTS)
    last = max(*times, *channels)
    rows = split_rows(islice(lines, layout.lines_before_rows, None), layout.delimiter)
    for row in islice(rows, 0, None, step):
        if len(row) <= last:
            continue
        time = survey.reader.read(" ".join(row[index] for index in times).strip())
        if time is not None:
            values = (parse_number(row[index], survey.decimal_mark) for index in channels)
            yield [time, *(math.nan if value is None else value for value in values)]


def plot(points: Array) -> Image.Image:
    """Return a picture with a line for each column after the first one, which is the time."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(picture)
    points = points[np.argsort(points[:, 0], kind="stable")]
    across = to_range(points[:, 0], MARGIN, WIDTH - MARGIN)
    for column, ink in reversed(list(zip(points.T[1:], INKS, strict=False))):
        heights = to_range(column, HEIGHT - MARGIN, MARGIN)
        for run in np.split(np.arange(len(heights)), np.flatnonzero(np.isnan(heights))):
            line = [(across[i], heights[i]) for i in run if not np.isnan(heights[i])]
            pen.line(line if len(line) > 1 else line * 2, ink, width=3)
    return picture


def to_range(values: Array, low: float, high: float) -> Array:
    """Map values from the lowest to the highest to a range; what is not finite stays no number."""
    finite = np.where(np.isfinite(values), values, math.nan)
    if np.isnan(finite).all():
        return finite
    start, end = float(np.nanmin(finite)), float(np.nanmax(finite))
    share = (
        (finite - start) / (end - start) if end > start else np.where(np.isnan(finite), finite, 0.5)
    )
    return low + share * (high - low)
