"""Slices of all servers in turn, so that a disturbance of the machine affects all alike; their
responses are compared.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import orjson

from tests.speed.client import connected, run_slice
from tests.speed.contenders import Contender, Running, start_contender
from tests.speed.databases import Filled
from tests.speed.usage import cpu_between, cpu_by_process, memory

CONNECTIONS = 4
MAX_WARM_UPS, STEADY = 8, 0.05
_WHOLE = re.compile(rb"(\d)\.0(?=[,}\]])")
"""JavaScript prints integral floats without a fraction."""
_OF_THE_CLOCK = re.compile(rb'(expires=|signature=|"expiresAt":")[^&"]+')


@dataclass
class Figures:
    """Figures of one operation on one server: one per slice, except for the latencies.

    `server` and `database` are CPU seconds per request, of the server and of a PostgreSQL on this
    machine; `cpu` is the sum.
    """

    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    digest: str = ""

    @property
    def cpu(self) -> list[float]:
        """CPU seconds per request of the server and the database."""
        return [sum(parts) for parts in zip(self.server, self.database, strict=True)]

    def latency(self, share: float) -> float:
        """Return a quantile of the latency, in seconds."""
        return sorted(self.latencies)[int(len(self.latencies) * share)]


@dataclass
class Results:
    """Figures and statements by server and operation, peak memory of each server in bytes, and the
    load of the machine.
    """

    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    statements: dict[str, dict[str, int]] = field(default_factory=dict)
    load: list[float] = field(default_factory=list)

    def of(self, server: str, operation: str) -> Figures:
        """Return the figures of one operation on one server."""
        return self.figures.setdefault(server, {}).setdefault(operation, Figures())

    def ratio(self, operation: str, over: str, under: str, what: str = "cpu") -> float | None:
        """Return how many times one server's figure is another's: the median over the rounds."""
        ratios = self.ratios(operation, over, under, what)
        return median(ratios) if ratios else None

    def ratios(self, operation: str, over: str, under: str, what: str = "cpu") -> list[float]:
        """Return the ratio of two servers' figures in each round; empty if one was not measured."""
        both = [self.figures.get(name, {}).get(operation) for name in (over, under)]
        if None in both:
            return []
        pairs: zip[tuple[float, float]] = zip(*(getattr(each, what) for each in both), strict=True)
        return [above / below for above, below in pairs if below]


def measure(
    filled: Filled, contenders: Sequence[Contender], operations: Sequence[str], rounds: int, seconds: float
) -> Results:
    """Start all servers, and measure a number of slices of each operation on each of them."""
    results = Results()
    with _all_started(contenders, filled) as servers, asyncio.Runner() as runner:
        for name in operations:
            able = [server for server in servers if name in server.contender.only]
            print(f"{name}: {', '.join(server.contender.name for server in able)}", flush=True)
            runner.run(_compare(results, filled, able, name))
            for server in able:
                runner.run(warm(filled, server, name, seconds))
            for _ in range(rounds):
                for server in able:
                    runner.run(take(results, filled, server, name, seconds))
                results.load.append(os.getloadavg()[0])
        results.memory = {server.contender.name: memory(server.pid) for server in servers}
    return results


@contextmanager
def _all_started(contenders: Sequence[Contender], filled: Filled) -> Iterator[list[Running]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start_contender(contender, filled)) for contender in contenders]


async def _compare(results: Results, filled: Filled, servers: Sequence[Running], name: str) -> None:
    """Servers of the same schema must give the same response to every request."""
    for server in servers:
        results.of(server.contender.name, name).digest = await answers_digest(filled, server, name)
    ours = {results.figures[each.contender.name][name].digest for each in servers if not each.contender.documents}
    if len(ours) > 1:
        raise SystemExit(f"The servers' responses to {name} differ.")


async def answers_digest(filled: Filled, server: Running, name: str) -> str:
    """Return a digest of a server's answers to an operation."""
    digest = hashlib.sha256()
    async with connected(server.port, filled.key) as (connection,):
        for body in server.contender.operation(name, filled).bodies[:20]:
            digest.update(_canonical(await connection.ask(body)))
    return digest.hexdigest()


def _canonical(answer: bytes) -> bytes:
    """Return a response with sorted members, without values that depend on the clock."""
    read: dict[str, Any] = orjson.loads(_OF_THE_CLOCK.sub(rb"\1", answer))
    if "errors" in read or "data" not in read:
        raise SystemExit(f"Expected a response with data: {answer[:2000]!r}")
    return _WHOLE.sub(rb"\1", orjson.dumps(read["data"], option=orjson.OPT_SORT_KEYS))


async def warm(filled: Filled, server: Running, name: str, seconds: float) -> None:
    """Send an operation to one server until its CPU time per request is steady."""
    before, taken = float("inf"), Results()
    for _ in range(MAX_WARM_UPS):
        await take(taken, filled, server, name, seconds)
        now = taken.of(server.contender.name, name).cpu[-1]
        if abs(now - before) < STEADY * before:
            return
        before = now


async def take(
    results: Results,
    filled: Filled,
    server: Running,
    name: str,
    seconds: float,
    *,
    encoding: str = "identity",
) -> None:
    """Measure one slice of an operation on one server."""
    bodies = server.contender.operation(name, filled).bodies
    async with connected(server.port, filled.key, CONNECTIONS, encoding) as connections:
        watched = [server.pid, *([filled.postmaster] if filled.postmaster else [])]
        before = [cpu_by_process(pid) for pid in watched]
        done = await run_slice(connections, bodies, seconds)
        used = list(map(cpu_between, before, [cpu_by_process(pid) for pid in watched]))
    figures = results.of(server.contender.name, name)
    figures.server.append(used[0] / len(done.latencies))
    figures.database += [each / len(done.latencies) for each in used[1:]] or [0.0]
    figures.rate.append(len(done.latencies) / done.seconds)
    figures.latencies += done.latencies
