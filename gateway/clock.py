"""The clocks of this machine: the wall clock, which can be stepped, and the steady one."""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def wall_time() -> float:
    """Return the seconds since 1970."""
    return time.time()


def steady_time() -> float:
    """Return the seconds since the machine started, the same in all of its processes.

    They are not changed by steps of the wall clock, and do not count while the machine sleeps.
    """
    return time.monotonic()


@cache
def boot_id() -> str:
    """Return what identifies this start of the machine, or of the process if nothing else does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid4())


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.fromtimestamp(wall_time(), UTC)
