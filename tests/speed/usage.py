"""What a process and its children have used, as Linux counts it."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children, in user and kernel mode, to 10 ms."""
    return sum(sum(map(int, _stat(each)[11:13])) for each in _family(pid)) / _TICKS


def memory(pid: int, name: str = "VmHWM") -> int:
    """Bytes of memory of a process and its children: the most so far, or `VmRSS` now."""
    return sum(_status(each, name) for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in (_PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()


def _status(pid: int, name: str) -> int:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    line = next(each for each in lines if each.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
