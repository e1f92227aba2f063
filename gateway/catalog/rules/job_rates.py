"""Rates and estimates of jobs, from marks: counts at earlier times, which a job's row keeps."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

MARK_SECONDS = 10.0
"""Least time between two marks."""
WINDOW_SECONDS = 60.0
"""Time over which a rate is measured."""
CLOCK_ERROR_SECONDS = 1.0
"""Difference of the clocks of two processes that follow the same one."""


Mark = tuple[float, int, int]
"""Counts of a job at a time, in seconds: units that had ended, and bytes that were done."""
Marks = Sequence[Mark] | None
"""Marks as a row stores them, oldest first; none in a job that is younger than the first."""


class JobRates(NamedTuple):
    """Units and bytes per second."""

    units: float
    size: float


def next_marks(
    started_at: datetime | None, marks: Marks, moment: datetime, units: int, size: int
) -> list[Mark] | None:
    """Return the marks of a job that is saved with these counts; None if they stay as they are.

    A mark is added if the last one, or the start, is old enough.
    """
    if started_at is None:
        return None
    time, former = moment.timestamp(), _window(started_at, marks, moment)
    if former and time < former[-1][0] + MARK_SECONDS:
        return None
    return [*former, (time, units, size)]


def rates(
    started_at: datetime | None, marks: Marks, moment: datetime, units: int, size: int
) -> JobRates | None:
    """Return the rates over the last minute, or since the start of a job that is younger.

    They are None for a job that has not started.
    """
    former = _window(started_at, marks, moment)
    if not former:
        return None
    time, former_units, former_size = former[0]
    seconds = max(moment.timestamp() - time, 1.0)
    return JobRates((units - former_units) / seconds, (size - former_size) / seconds)


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


def _window(started_at: datetime | None, marks: Marks, moment: datetime) -> Sequence[Mark]:
    """Return the marks in the window, after the last one before it; without any, the start.

    Those in the future are left out: they are from before the clock was stepped back.
    """
    if started_at is None:
        return ()
    known = [*marks] if marks else [(started_at.timestamp(), 0, 0)]
    marks = [mark for mark in known if mark[0] <= moment.timestamp() + CLOCK_ERROR_SECONDS]
    begin = moment.timestamp() - WINDOW_SECONDS
    first = 0
    while first + 1 < len(marks) and marks[first + 1][0] <= begin:
        first += 1
    return marks[first:]
