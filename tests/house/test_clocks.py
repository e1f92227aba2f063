"""Only listed modules read the wall clock: steps and differences of clocks are dealt with in one place."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import modules

READS = {
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "clock_gettime"),
    ("time", "gmtime"),
    ("time", "localtime"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("func", "now"),
    ("func", "clock_timestamp"),
    ("func", "current_timestamp"),
}
ALLOWED = {
    "gateway.clock": {"time.time"},
    "gateway.clock_watch": {"func.clock_timestamp"},
    # The time of a line is for people, who compare it with those of other programs on the machine.
    "gateway.logs": {"datetime.now"},
}
"""Allowed reads by module. Others call `now` or `SITE_CLOCK` of `gateway.clock`, or a steady clock."""


def reads(tree: ast.Module) -> Iterator[str]:
    """Yield the ways in which a module reads the wall clock."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name):
                if (owner, name) in READS:
                    yield f"{owner}.{name}"
            case ast.ImportFrom(module="time", names=names):
                yield from (f"time.{alias.name}" for alias in names if ("time", alias.name) in READS)


def test_only_listed_modules_read_the_wall_clock() -> None:
    found = {name: set(reads(tree)) for name, tree in modules().items()}
    assert {name: ways for name, ways in found.items() if ways} == ALLOWED


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import time\ntime.time()", ["time.time"]),
        ("from time import time_ns as nanoseconds", ["time.time_ns"]),
        ("from time import monotonic", []),
        ("datetime.now(UTC)", ["datetime.now"]),
        ("import datetime\ndatetime.datetime.utcnow()", ["datetime.utcnow"]),
        ("Field(default_factory=datetime.now)", ["datetime.now"]),
        ("sa.func.now()", ["func.now"]),
        ("from gateway.clock import now\nnow()", []),
    ],
)
def test_all_ways_to_read_it_are_detected(source: str, expected: list[str]) -> None:
    assert list(reads(ast.parse(source))) == expected
