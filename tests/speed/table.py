"""Measurements as Markdown tables, compared with their goals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.speed.measure import Figures, Results
from tests.speed.operations import TUNED
from tests.speed.untuned import DOCUMENTS as UNTUNED


@dataclass(frozen=True)
class Goal:
    """The ratio of two servers and, by operation, its goal: a minimum or a maximum."""

    title: str
    over: str
    under: str
    what: str
    at_least: bool
    wanted: dict[str, float]


def _each(*values: float) -> dict[str, float]:
    return dict(zip(TUNED, values, strict=False))


GOALS = (
    Goal("CPU of the tuned baseline over ours", "baseline", "ours", "cpu", True, _each(3, 8, 30, 15, 6, 6)),
    Goal(
        "our CPU over the floor's",
        "ours",
        "floor",
        "cpu",
        False,
        {**_each(1.3, 1.3, 1.1, 1.1, 1.3, 1.3), **dict.fromkeys(UNTUNED, 2.0)},
    ),
    Goal("our CPU over Mercurius with JIT", "ours", "mercurius", "cpu", False, _each(1.5)),
    Goal("requests/s over Mercurius with JIT", "ours", "mercurius", "rate", True, {"Q2": 1.5, "Q3": 5, "Q4": 1.5}),
    Goal("requests/s over PostGraphile 5", "ours", "postgraphile", "rate", True, {"Q2": 1.5, "Q3": 5, "Q4": 1.5}),
    Goal("CPU of Ariadne over ours", "ariadne", "ours", "cpu", True, {}),
    Goal("CPU of PostGraphile 5 over ours", "postgraphile", "ours", "cpu", True, {}),
)


def tables(results: Results, operations: Sequence[str]) -> str:
    """Return all tables."""
    halves = [[name for name in operations if name in kind] for kind in (TUNED, UNTUNED)]
    parts = [*(_ratios(results, half) for half in halves if half), _absolute(results, operations), _memory(results)]
    load = f"System load during the run: {min(results.load):.1f} to {max(results.load):.1f}."
    return "\n\n".join([*parts, load])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict(value: float, wanted: float, at_least: bool) -> str:
    """Return a figure compared with its goal."""
    is_met = value >= wanted if at_least else value <= wanted
    return f"{value:.2f} ({'≥' if at_least else '≤'} {wanted:g}: {'met' if is_met else '**not met**'})"


def _ratios(results: Results, operations: Sequence[str]) -> str:
    rows = []
    for goal in GOALS:
        values = [results.ratio(name, goal.over, goal.under, goal.what) for name in operations]
        if any(values):
            rows.append([goal.title, *(_cell(goal, *pair) for pair in zip(operations, values, strict=True))])
    return table(["", *operations], rows)


def _cell(goal: Goal, operation: str, value: float | None) -> str:
    if value is None:
        return "-"
    wanted = goal.wanted.get(operation)
    return f"{value:.2f}" if wanted is None else verdict(value, wanted, goal.at_least)


_COLUMNS: dict[str, Callable[[Figures], str]] = {
    "CPU ms": lambda figures: f"{median(figures.cpu) * 1000:.2f}",
    "of it the database": lambda figures: f"{median(figures.database) * 1000:.2f}",
    "requests/s": lambda figures: f"{median(figures.rate):,.1f}",
    "p50 / p99 ms": lambda figures: f"{figures.latency(0.5) * 1000:.1f} / {figures.latency(0.99) * 1000:.1f}",
}


def _absolute(results: Results, operations: Sequence[str]) -> str:
    rows = [
        [
            f"{operation} {server}",
            *(write(figures[operation]) for write in _COLUMNS.values()),
            str(results.statements.get(server, {}).get(operation, "-")),
        ]
        for operation in operations
        for server, figures in results.figures.items()
        if operation in figures
    ]
    return table(["", *_COLUMNS, "statements"], rows)


def _memory(results: Results) -> str:
    return "Peak memory in MiB: " + ", ".join(f"{name} {size >> 20}" for name, size in results.memory.items()) + "."
