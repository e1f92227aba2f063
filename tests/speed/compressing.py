"""What compressed responses cost: the CPU time of a request, and the bytes that are sent."""

import asyncio
from collections.abc import Sequence
from statistics import mean, median

from tests.speed.client import connected
from tests.speed.contenders import ALL, Running, start_contender
from tests.speed.databases import Filled
from tests.speed.measure import Results, take, warm
from tests.speed.table import table

ENCODINGS = ("identity", "gzip")
SAMPLE = 20


def measure_compression(filled: Filled, operations: Sequence[str], rounds: int, seconds: float) -> str:
    """Return a table that compares both encodings of one server, measured in alternating slices."""
    results = {encoding: Results() for encoding in ENCODINGS}
    rows = []
    with start_contender(ALL[0], filled) as server, asyncio.Runner() as runner:
        for name in operations:
            runner.run(warm(filled, server, name, seconds))
            for _ in range(rounds):
                for encoding in ENCODINGS:
                    runner.run(take(results[encoding], filled, server, name, seconds, encoding=encoding))
            plain, packed = (results[encoding].of(ALL[0].name, name) for encoding in ENCODINGS)
            sizes = [runner.run(_size(filled, server, name, encoding)) for encoding in ENCODINGS]
            ratio = median(after / before for before, after in zip(plain.cpu, packed.cpu, strict=True))
            milliseconds = [f"{median(figures.cpu) * 1000:.2f}" for figures in (plain, packed)]
            rows.append([name, *(f"{size / 1000:,.1f}" for size in sizes), *milliseconds, f"{ratio:.2f}"])
    return table(["", "plain kB", "gzip kB", "plain CPU ms", "gzip CPU ms", "gzip / plain CPU"], rows)


async def _size(filled: Filled, server: Running, name: str, encoding: str) -> float:
    """Return the mean size of the body of a response, in bytes."""
    bodies = server.contender.operation(name, filled).bodies[:SAMPLE]
    async with connected(server.port, filled.key, encoding=encoding) as (connection,):
        return mean([len(await connection.ask(body)) for body in bodies])
