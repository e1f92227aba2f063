"""Compares the clock of this machine with those of the database and of the object store.

Times are stored and compared by the database's clock, so that a wrong clock of a machine misleads
nobody. But signatures and JWTs are dated by the machine's, and others refuse or accept them by
theirs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import sqlalchemy as sa
import structlog

from gateway.clock import LEAST_STEP, SITE_CLOCK, steady_time, wall_time_at_start
from gateway.context import Services
from gateway.database.outages import log_failure
from gateway.ended_tasks import end_tasks
from gateway.outages import REPEAT_SECONDS
from gateway.telemetry.metrics import CLOCK_DIFFERENCE

DATABASE_SECONDS = 5.0
"""Time between two comparisons with the clock of the database."""
STORE_SECONDS = 30.0
"""Time between two comparisons with the clock of the store."""
TOLERANCE_SECONDS = 5.0
"""Difference from which clocks differ; they agree again once it is a second smaller."""
_MAX_ROUND_TRIP = 2.0
"""Seconds that an answer may take; the clock is read at some time within them."""
_CLOCK = sa.select(sa.func.clock_timestamp())

log = structlog.get_logger()


class ClockDifference:
    """The difference between the clock of this machine and another, and what the log says of it.

    The log has a line when the clocks begin to differ, one a minute, and one when they agree again.
    """

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._seconds = self._logged_at = 0.0
        self._is_large = False

    @property
    def warning(self) -> str | None:
        """Return that the clocks differ, in words; None if they do not."""
        if not self._is_large:
            return None
        side = "ahead of" if self._seconds > 0 else "behind"
        return (
            f"The clock of this machine is {abs(self._seconds):,.0f} s {side} that of the "
            f"{self._reference}."
        )

    def note(self, seconds: float) -> None:
        """Note that this machine's clock is ahead by so many seconds, or behind if negative."""
        CLOCK_DIFFERENCE.set(seconds, self._reference)
        self._seconds, was_large = seconds, self._is_large
        self._is_large = abs(seconds) > TOLERANCE_SECONDS - (1 if was_large else 0)
        rounded = round(seconds, 1)
        if self._is_large:
            if not was_large or monotonic() - self._logged_at >= REPEAT_SECONDS:
                self._logged_at = monotonic()
                log.warning("clock_differs", reference=self._reference, seconds=rounded)
        elif was_large:
            log.info("clock_agrees", reference=self._reference, seconds=rounded)


class ClockWatch:
    """Watches the clocks of a process, and lets it follow the clock of the site."""

    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._store = services.store
        self._differences = {name: ClockDifference(name) for name in ("database", "store")}
        self._start: float | None = None
        self._offset = self._first_offset = wall_time_at_start()

    def warnings(self) -> dict[str, str]:
        """Return how the clock differs from others, by whose they are."""
        found = ((name, each.warning) for name, each in self._differences.items())
        return {name: warning for name, warning in found if warning}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch while the context lasts. At its beginning the site's clock has been read."""
        await _attempt("database", self._compare_database)
        tasks = [
            asyncio.create_task(_repeat("database", self._compare_database, DATABASE_SECONDS)),
            asyncio.create_task(_repeat("store", self._compare_store, STORE_SECONDS)),
        ]
        try:
            yield
        finally:
            await end_tasks(*tasks)
            SITE_CLOCK.follow(None)

    async def _compare_database(self) -> None:
        """Measure the clock of PostgreSQL, and follow it; with SQLite, log steps of the wall clock.

        A result that says no more than is known already changes nothing, so that times that are
        stored do not go to and fro.
        """
        offset = wall_time_at_start()
        if self._database.is_embedded:
            CLOCK_DIFFERENCE.set(offset - self._first_offset, "start")
            if abs(step := offset - self._offset) >= LEAST_STEP:
                log.warning("clock_stepped", seconds=round(step, 1))
            self._offset = offset
            return
        async with self._database.reading() as connection:
            began = steady_time()
            moment = (await connection.execute(_CLOCK)).scalar_one()
            seconds = steady_time() - began
        if seconds > _MAX_ROUND_TRIP:
            return
        start = moment.timestamp() - began - seconds / 2
        if self._start is None or abs(start - self._start) > seconds / 2:
            self._start = start
            SITE_CLOCK.follow(start)
        self._differences["database"].note(wall_time_at_start() - start)

    async def _compare_store(self) -> None:
        """Compare the wall clock with that of the store."""
        began = steady_time()
        moment = await self._store.time()
        seconds = steady_time() - began
        if moment is not None and seconds <= _MAX_ROUND_TRIP:
            start = moment.timestamp() - began - seconds / 2
            self._differences["store"].note(wall_time_at_start() - start)


async def _repeat(reference: str, compare: Callable[[], Awaitable[None]], period: float) -> None:
    """Compare clocks again and again, until cancelled."""
    while True:
        await asyncio.sleep(period)
        await _attempt(reference, compare)


async def _attempt(reference: str, compare: Callable[[], Awaitable[None]]) -> None:
    """Compare clocks once. That the database or the store fails is reported elsewhere."""
    try:
        await compare()
    except Exception as error:
        if reference == "database":
            log_failure("clock_not_compared", error)
        else:
            log.debug("clock_not_compared", reference=reference, error=str(error))
