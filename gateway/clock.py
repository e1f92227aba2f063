"""The clocks: the wall clock of the machine, its steady clock, and the clock of the site.

The clock of the site is the one that all its processes share: with PostgreSQL that of the database,
which a process follows once it has been measured; with SQLite the wall clock of the machine.
"""

import time
from collections import deque
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

from gateway.volatile import note_volatile

LEAST_STEP = 1.0
"""Seconds by which a clock differs, all at once, if it was stepped."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MAX_STEPS = 1_000


def wall_time() -> float:
    """Return the seconds since 1970 by the wall clock of this machine, which can be stepped."""
    return time.time()


def steady_time() -> float:
    """Return the seconds since the machine started, the same in all of its processes.

    They are not changed by steps of the wall clock, and do not count while the machine sleeps.
    """
    return time.monotonic()


def wall_time_at_start() -> float:
    """Return what the wall clock would have said when the machine started; steps change it."""
    return wall_time() - steady_time()


@cache
def boot_id() -> str:
    """Return what identifies this start of the machine, or of the process if nothing else does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid4())


class SiteClock:
    """The clock of the site, as this process knows it."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._offset = self._offset_now()
        self._steps_ahead: deque[tuple[float, float]] = deque(maxlen=_MAX_STEPS)

    def time(self) -> float:
        """Return the seconds since 1970."""
        note_volatile()
        return wall_time() if self._start is None else self._start + steady_time()

    def follow(self, start: float | None) -> None:
        """Follow a clock by which the machine started at `start`; without one, the wall clock."""
        self._start = start

    def long_before(self, age: timedelta) -> datetime:
        """Return a time before which everything is at least so old, in UTC.

        What was noted before the clock was stepped forward is not as old as it seems. Therefore
        steps forward that happened within that time do not count.
        """
        step = self._offset_now() - self._offset
        if abs(step) >= LEAST_STEP:
            self._offset += step
            self._steps_ahead.append((steady_time(), max(step, 0.0)))
        seconds = age.total_seconds()
        start = steady_time() - seconds
        ahead = sum(step for moment, step in self._steps_ahead if moment > start)
        return datetime.fromtimestamp(self.time() - seconds - ahead, UTC)

    def _offset_now(self) -> float:
        return self.time() - steady_time()


SITE_CLOCK = SiteClock()


def now() -> datetime:
    """Return the current time in UTC, by the clock of the site."""
    return datetime.fromtimestamp(SITE_CLOCK.time(), UTC)
