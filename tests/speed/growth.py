"""How the cost of an operation grows when there are ten times as many items."""

import asyncio
from contextlib import ExitStack
from statistics import median

from tests.speed.contenders import ALL, start_contender
from tests.speed.databases import prepare_database
from tests.speed.measure import Results, take, warm
from tests.speed.table import table, verdict

SIZES = (100_000, 1_000_000)
OPERATIONS = ("Q1", "Q2", "Q5")
AT_MOST = 1.25


def measure_growth(kind: str, rounds: int, seconds: float) -> str:
    """Return a table that compares our server over both sizes, measured in alternating slices."""
    sizes = {size: Results() for size in SIZES}
    with ExitStack() as stack, asyncio.Runner() as runner:
        sites = {size: stack.enter_context(prepare_database(kind, size)) for size in SIZES}
        servers = {size: stack.enter_context(start_contender(ALL[0], site)) for size, site in sites.items()}
        for name in OPERATIONS:
            for size in SIZES:
                runner.run(warm(sites[size], servers[size], name, seconds))
            for _ in range(rounds):
                for size, results in sizes.items():
                    runner.run(take(results, sites[size], servers[size], name, seconds))
    small, large = (results.figures[ALL[0].name] for results in sizes.values())
    rows = []
    for name in OPERATIONS:
        pairs = zip(small[name].cpu, large[name].cpu, strict=True)
        growth = median(after / before for before, after in pairs)
        cells = [
            f"{median(figures[name].cpu) * 1000:.2f} ({figures[name].latency(0.5) * 1000:.1f})"
            for figures in (small, large)
        ]
        rows.append([name, *cells, verdict(growth, AT_MOST, False)])
    heads = [f"{size:,} items: CPU ms (p50 ms)" for size in SIZES]
    return table(["ours", *heads, "CPU growth"], rows)
