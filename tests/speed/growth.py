"""How the cost of operations and lists grows with the number of items."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

import orjson

from tests.speed.client import connected, run_slice
from tests.speed.contenders import ALL, Running, start_contender
from tests.speed.databases import Filled, prepare_database, prepare_viewer
from tests.speed.lists import list_documents
from tests.speed.measure import Results, take, warm
from tests.speed.table import table, verdict
from tests.speed.viewers import SpeedViewer

SMALL = 100_000
AT_MOST = 1.25
MOST_GROWTH, LONGEST = 1.5, 0.25
"""Goals of lists: the growth of the median latency, and the latency in seconds."""
NOTICEABLE = 0.02
"""Latency in seconds up to which growth does not matter: noise is as large."""
REQUESTS = 5


def measure_growth(kind: str, items: int, operations: Sequence[str], rounds: int, seconds: float) -> str:
    """Return tables that compare our server over two sizes, measured in alternating slices."""
    sizes = (SMALL, items)
    results = {size: Results() for size in sizes}
    with ExitStack() as stack, asyncio.Runner() as runner:
        sites = {size: stack.enter_context(prepare_database(kind, size)) for size in sizes}
        servers = {size: stack.enter_context(start_contender(ALL[0], site)) for size, site in sites.items()}
        for name in operations:
            print(name, flush=True)
            for size in sizes:
                runner.run(warm(sites[size], servers[size], name, seconds))
            for _ in range(rounds):
                for size, taken in results.items():
                    runner.run(take(taken, sites[size], servers[size], name, seconds))
        lists = [
            report_lists(
                viewer, {size: runner.run(list_latencies(sites[size], servers[size], viewer)) for size in sizes}
            )
            for viewer in SpeedViewer
        ]
    small, large = (taken.figures[ALL[0].name] for taken in results.values())
    rows = []
    for name in operations:
        pairs = zip(small[name].cpu, large[name].cpu, strict=True)
        growth = median(after / before for before, after in pairs)
        cells = [
            f"{median(figures[name].cpu) * 1000:.2f} ({figures[name].latency(0.5) * 1000:.1f})"
            for figures in (small, large)
        ]
        rows.append([name, *cells, verdict(growth, AT_MOST, False)])
    heads = [f"{size:,} items: CPU ms (p50 ms)" for size in sizes]
    return "\n\n".join([table(["ours", *heads, "CPU growth"], rows), *lists])


async def list_latencies(filled: Filled, server: Running, viewer: SpeedViewer) -> dict[str, float]:
    """Return the median latency of each list of the schema in seconds; infinite if it is refused."""
    seen = await prepare_viewer(filled.url, filled.items, viewer)
    folder, dataset = seen.variables["journal" if viewer == SpeedViewer.EVERYTHING else "browser"], filled.variables
    uuids = {"folderUuid": folder[0]["folder"], "datasetUuid": dataset["dataset"][0]["dataset"]}
    uuids |= dict.fromkeys(("ownerUuid", "startedBy", "topLevelFolderUuid"), uuids["folderUuid"])
    latencies: dict[str, float] = {}
    async with connected(server.port, seen.key) as connections:
        for label, document in list_documents(uuids).items():
            body = orjson.dumps({"query": document})
            try:
                answer = orjson.loads(await connections[0].ask(body))
            except RuntimeError as error:  # a request that is refused as a whole
                answer = {"errors": str(error)}
            latencies[label] = float("inf")
            if "errors" not in answer:
                taken = [await run_slice(connections, [body], 0) for _ in range(REQUESTS)]
                latencies[label] = median(latency for each in taken for latency in each.latencies)
    return latencies


def report_lists(viewer: SpeedViewer, latencies: Mapping[int, Mapping[str, float]]) -> str:
    """Return a table of the lists that grow or take too long, for one viewer."""
    small, large = latencies.values()
    both = {label: (small[label], large[label]) for label in large if max(small[label], large[label]) < float("inf")}
    rows = [
        [label, f"{before * 1000:.1f}", f"{after * 1000:.1f}", f"{after / before:.1f}"]
        for label, (before, after) in sorted(both.items(), key=lambda entry: -entry[1][1])
        if after > LONGEST or (after > NOTICEABLE and after > MOST_GROWTH * before)
    ]
    heads = [f"{size:,} items: p50 ms" for size in latencies]
    about = f"{len(both)} lists, {len(small) - len(both)} refused, {len(rows)} beyond the goals"
    return f"Viewer {viewer.name}: {about}.\n\n{table(['list', *heads, 'growth'], rows)}"
