"""Rates and estimates of jobs, from marks: counts at earlier times, which a job's row keeps."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

MARK_SECONDS = 10.0
"""Least time between two marks."""
WINDOW_SECONDS = 60.0
"""Time over which a rate is measured."""


class RateMark(NamedTuple):
    """Counts of a job at a time: units that had ended, and bytes that were done."""

    time: float
    units: int
    size: int


class JobRates(NamedTuple):
    """Units and bytes per second."""

    units: float
    size: float


Marks = Sequence[tuple[float, int, int]] | None
"""Marks as a row stores them, oldest first; none in a job that is younger than the first."""


def next_marks(
    started_at: datetime | None, marks: Marks, moment: datetime, units: int, size: int
) -> list[RateMark] | None:
    """Return the marks of a job that is saved with these counts; None if they stay as they are.

    A mark is added if the last one, or the start, is old enough.
    """
    former = _window(started_at, marks, moment)
    if not former or moment.timestamp() < former[-1].time + MARK_SECONDS:
        return None
    return [*former, RateMark(moment.timestamp(), units, size)]


def rates(
    started_at: datetime | None, marks: Marks, moment: datetime, units: int, size: int
) -> JobRates | None:
    """Return the rates over the last minute, or since the start of a job that is younger.

    They are None for a job that has not started.
    """
    former = _window(started_at, marks, moment)
    if not former:
        return None
    begin = former[0]
    seconds = max(moment.timestamp() - begin.time, 1.0)
    return JobRates((units - begin.units) / seconds, (size - begin.size) / seconds)


def remaining_time(
    found: JobRates | None, units: int, size: int, total_size: int | None
) -> timedelta | None:
    """Return how long a job will take at these rates; None if it makes no progress.

    Args:
        found: the rates.
        units: the units that have not ended.
        size: the bytes that are done.
        total_size: all bytes, by which the time is estimated if it is known.
    """
    if found is None:
        return None
    if total_size and found.size > 0:
        return timedelta(seconds=max(total_size - size, 0) / found.size)
    return timedelta(seconds=units / found.units) if found.units > 0 else None


def _window(started_at: datetime | None, marks: Marks, moment: datetime) -> list[RateMark]:
    """Return the marks in the window, after the last one before it."""
    if started_at is None:
        return []
    former = [RateMark(*mark) for mark in marks or ()] or [RateMark(started_at.timestamp(), 0, 0)]
    while len(former) > 1 and former[1].time <= moment.timestamp() - WINDOW_SECONDS:
        del former[0]
    return former
