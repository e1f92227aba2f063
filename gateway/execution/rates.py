"""Rates of viewers: a leaky bucket for each, into which the cost of operations flows.

A process counts for itself: a viewer may spend the rate at each gateway.
"""

import math
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

from gateway.clock import now
from gateway.errors import ErrorCode
from gateway.execution.limits import LimitExceeded

_MAX_BUCKETS = 10_000


class RateExceeded(LimitExceeded):
    """Raised for an operation for which a viewer's bucket has no room.

    After `retry_after` seconds it will have.
    """

    def __init__(self, allowed: int, level: float, retry_after: int) -> None:
        message = (
            f"You may spend {allowed:,} points a minute (limit: cost_per_minute). Retry in "
            f"{retry_after:,} seconds."
        )
        super().__init__(message, "cost_per_minute", allowed, math.ceil(level))
        self.code = ErrorCode.RATE_LIMITED
        self.retry_after = retry_after


class Charge(NamedTuple):
    """The charge for an operation: its cost, and the points in the bucket that holds `limit`."""

    limit: int
    level: float
    cost: int

    @property
    def remaining(self) -> int:
        """The points that may be spent at once."""
        return max(self.limit - math.ceil(self.level), 0)

    @property
    def reset_at(self) -> datetime:
        """When the bucket is empty if nothing more is spent."""
        return now() + timedelta(minutes=self.level / self.limit)


CHARGED: ContextVar[Charge | None] = ContextVar("charged", default=None)
"""The charge for the operation that the current task runs; None where rates are not limited."""


@dataclass(slots=True)
class _Bucket:
    size: float
    level: float
    at: float

    def level_at(self, moment: float) -> float:
        """Return what has not flowed out until then."""
        return max(self.level - (moment - self.at) * self.size / 60, 0.0)


class Rates:
    """Buckets of all viewers of a process. Each holds the points of a minute, which flow out of it.

    Args:
        per_minute: the points.
        clock: seconds that pass.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[Hashable, _Bucket] = {}

    def charge(self, viewer: Hashable, cost: int, part: int = 1) -> None:
        """Add the cost of an operation to a viewer's bucket, which holds one `part` of the points.

        One that costs more than a bucket holds is accepted by an empty bucket.

        Raises:
            RateExceeded: the bucket has no room for it.
        """
        now, size = self._clock(), max(self._per_minute // part, 1)
        bucket = self._buckets.get(viewer)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                self._buckets = {
                    other: each for other, each in self._buckets.items() if each.level_at(now) > 0
                }
            bucket = self._buckets[viewer] = _Bucket(size, 0.0, now)
        level = bucket.level_at(now)
        bucket.at, bucket.level = now, level
        if level and level + cost > size:
            excess = min(level + cost - size, level)
            seconds = max(math.ceil(excess * 60 / size), 1)
            raise RateExceeded(size, level + cost, seconds)
        bucket.level = level + cost
        CHARGED.set(Charge(size, bucket.level, cost))
