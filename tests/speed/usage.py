"""CPU time and memory of a process and its children, as counted by Linux."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_CPUCLOCK_SCHED = 2
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_by_process(pid: int) -> dict[int, float]:
    """Return the CPU seconds, in user and kernel mode, of a process and each of its children."""
    used = {}
    for each in _family(pid):
        with suppress(OSError):  # it may end meanwhile
            used[each] = time.clock_gettime(_cpu_clock(each))
    return used


def ended_cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of the children of a process that have ended, with those of their own children."""
    try:
        counters = (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(counters[13]) + int(counters[14])) / _TICKS


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Return the CPU seconds that the processes of the second reading used since the first."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and its children, in user and kernel mode."""
    return sum(cpu_by_process(pid).values())


def _cpu_clock(pid: int) -> int:
    """Return the id of a process's CPU clock, as clock_getcpuclockid(3) does."""
    return (~pid << 3) | _CPUCLOCK_SCHED


def postmaster_of(backend: int) -> int | None:
    """Return the parent of a PostgreSQL backend, or None if it does not run on this machine."""
    try:
        if "postgres" not in (_PROC / str(backend) / "comm").read_text():
            return None
        return int((_PROC / str(backend) / "stat").read_text().rpartition(") ")[2].split()[1])
    except FileNotFoundError:
        return None


def memory(pid: int, name: str = "VmHWM") -> int:
    """Return the bytes of memory of a process and its children: the peak, or `VmRSS` for the current size."""
    return sum(_status(each, name) for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    children = []
    with suppress(OSError):  # it may end meanwhile
        for task in (_PROC / str(pid) / "task").iterdir():
            children += (task / "children").read_text().split()
    for child in children:
        yield from _family(int(child))


def _status(pid: int, name: str) -> int:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    line = next(each for each in lines if each.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
