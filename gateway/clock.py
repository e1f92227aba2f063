"""The wall clock. It can be stepped, and those of machines differ."""

import time
from datetime import UTC, datetime


def wall_time() -> float:
    """Return the seconds since 1970."""
    return time.time()


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.fromtimestamp(wall_time(), UTC)
