"""Compare the working tree with a commit: one site, two servers side by side, measured in alternating slices."""

import asyncio
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.house.sources import ROOT
from tests.speed.contenders import Contender, Running, environment, ours, start_contender
from tests.speed.databases import PER_FOLDER, SEED, Filled, copy_database, read_variables
from tests.speed.measure import Results, answers_digest, take, warm
from tests.speed.table import table
from tests.speed.viewers import SpeedViewer

AT_MOST = 1.05
"""The ratio of CPU time above which an operation is reported as slower."""
LAUNCHES = 3
"""How often both servers are started: the memory layout of a process alone changes times by a few per cent."""
OURS, THEIRS = "ours", "theirs"


@dataclass(frozen=True)
class Side:
    """One of the two trees: its server, and its own copy of the database."""

    server: Running
    filled: Filled

    @property
    def name(self) -> str:
        """`ours` or `theirs`."""
        return self.server.contender.name


def measure_against(commit: str, kind: str, items: int, operations: Sequence[str], rounds: int, seconds: float) -> str:
    """Return the table of ratios, working tree over commit, for each operation.

    The commit generates the site. Each tree then gets a copy, which it brings up to date with its
    own command line, so that migrations and module names may differ.
    """
    sha = _git("rev-parse", "--verify", f"{commit}^{{commit}}").decode().strip()
    results, differing = Results(), set[str]()
    with _site_of_both(sha, kind, items) as sites, asyncio.Runner() as runner:
        for launch in range(LAUNCHES):
            print(f"Launch {launch + 1} of {LAUNCHES}", flush=True)
            with _launched(sites if launch % 2 else list(reversed(sites))) as sides:
                for operation in operations:
                    slices = _take_slices(results, sides, operation, math.ceil(rounds / LAUNCHES), seconds)
                    if not runner.run(slices):
                        differing.add(operation)
    title = f"{kind}, {items:,} items, working tree / {sha[:12]}"
    return _report(results, operations, title, sorted(differing))


async def _take_slices(results: Results, sides: Sequence[Side], operation: str, rounds: int, seconds: float) -> bool:
    """Measure an operation on both sides in turn; return whether their responses are equal."""
    digests = {await answers_digest(side.filled, side.server, operation) for side in sides}
    for side in sides:
        await warm(side.filled, side.server, operation, seconds)
    for number in range(rounds):
        # The order alternates, so that neither side is always second.
        for side in sides if number % 2 else reversed(sides):
            await take(results, side.filled, side.server, operation, seconds)
    return len(digests) == 1


@contextmanager
def _site_of_both(sha: str, kind: str, items: int) -> Iterator[list[tuple[Contender, Filled]]]:
    """Yield both trees, each with its copy of one generated site."""
    with ExitStack() as stack:
        tree = Path(stack.enter_context(TemporaryDirectory(prefix="storegraph-against-")))
        archive = _git("archive", "--format=tar", sha)  # the repository does not change
        subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)

        def generate(url: str) -> None:
            print(f"Generating {items:,} items with {sha[:12]} …", flush=True)
            sizes = ["--folders", str(items // PER_FOLDER), "--items", str(items)]
            _storegraph(tree, url, "generate", *sizes, "--seed", str(SEED))

        trees = {OURS: ROOT, THEIRS: tree}
        urls = stack.enter_context(copy_database(kind, f"{items}-{sha[:12]}", generate, len(trees)))
        keys = []
        for path, url in zip(trees.values(), urls, strict=True):
            _storegraph(path, url, "migrate")
            keys.append(_storegraph(path, url, "key", "create", "--user", SpeedViewer.EVERYTHING).split()[-1])
        variables = asyncio.run(read_variables(urls[0]))
        yield [
            (Contender(name, ours, tree=path), Filled(url, key, items, variables))
            for (name, path), url, key in zip(trees.items(), urls, keys, strict=True)
        ]


@contextmanager
def _launched(sites: Sequence[tuple[Contender, Filled]]) -> Iterator[list[Side]]:
    """Yield both servers, running."""
    with ExitStack() as stack:
        yield [Side(stack.enter_context(start_contender(contender, filled)), filled) for contender, filled in sites]


def _storegraph(tree: Path, url: str, *arguments: str) -> str:
    """Run a command with a tree's own command line; return its output."""
    with TemporaryDirectory(prefix="storegraph-against-") as directory:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            cwd=directory,
            env=environment(tree, url, directory),
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise SystemExit(f"`{' '.join(arguments)}` failed in {tree}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr.decode().strip())
    return done.stdout


def _report(results: Results, operations: Sequence[str], title: str, differing: Sequence[str]) -> str:
    rows, slower = [], []
    for operation in operations:
        cells = [operation]
        for what in ("server", "database"):
            ratios = results.ratios(operation, OURS, THEIRS, what)
            cells.append(_spread(ratios) if ratios else "-")
        for name in (OURS, THEIRS):
            cells.append(f"{median(results.of(name, operation).cpu) * 1000:.3f}")
        rows.append(cells)
        if median(results.ratios(operation, OURS, THEIRS)) > AT_MOST:
            slower.append(operation)
    head = [
        title,
        "server CPU, working tree / commit (quartiles)",
        "database CPU, working tree / commit (quartiles)",
        "working tree, CPU ms",
        "commit, CPU ms",
    ]
    parts = [table(head, rows)]
    parts.append(f"Slower than {AT_MOST}: {', '.join(slower) or 'none'}.")
    if differing:
        parts.append(f"Responses differ: {', '.join(differing)}.")
    return "\n\n".join(parts)


def _spread(ratios: Sequence[float]) -> str:
    """Return the median, and the quartiles where there are enough rounds for them."""
    if len(ratios) < 2:
        return f"{median(ratios):.3f}"
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"
