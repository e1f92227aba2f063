"""What shares and public folders cost: the same site with none and with some, side by side."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.models.folders import folders
from gateway.models.items import items
from tests.speed.client import connected, run_slice
from tests.speed.contenders import ALL, Running, start_contender
from tests.speed.databases import copy_database, generate_site, generator_digest, prepare_viewer
from tests.speed.shared_site import LARGE, add_large_folders, share_and_publish
from tests.speed.table import table, verdict
from tests.speed.viewers import SpeedViewer

AT_MOST = 1.3
_ITEM = "uuid name itemType createdAt fileSize folderUuid"
_PAGE = f"{{ nodes {{ {_ITEM} }} pageInfo {{ hasNextPage endCursor }} }}"


def _folder(fields: str) -> str:
    return f"($uuid: UUID!) {{ storageFolder(uuid: $uuid) {{ uuid name {fields} }} }}"


DOCUMENTS = {
    "a folder page": "query" + _folder(f"items(first: 100) {_PAGE}"),
    "a subtree by name": "query" + _folder(f'descendantItems(first: 50, filter: {{search: "s00101"}}) {_PAGE}'),
    "a subtree by kind": "query" + _folder(f"descendantItems(first: 50, filter: {{itemTypes: [IMAGE]}}) {_PAGE}"),
    "a point read": f"query($uuid: UUID!) {{ storageItem(uuid: $uuid) {{ {_ITEM} }} }}",
}
LARGE_DOCUMENTS = {
    "first page of a large folder": DOCUMENTS["a folder page"],
    "largest of a large folder": "query"
    + _folder(f"items(first: 100, orderBy: {{field: SIZE, direction: DESC}}) {_PAGE}"),
}


@dataclass(frozen=True)
class Measured:
    """Requests of one kind to one of the servers."""

    server: Running
    key: str
    bodies: Sequence[bytes]


def measure_shared(kind: str, count: int, rounds: int, seconds: float) -> str:
    """Return a table of median latencies: some shared and public over none, and shares over own items."""
    with copy_database(kind, f"{count}-{generator_digest()}", partial(generate_site, items=count), 2) as urls:
        return compare_sites(urls, count, rounds, seconds)


def compare_sites(urls: Sequence[str], count: int, rounds: int, seconds: float) -> str:
    """Return that table for two equal sites with so many items, of which the second is changed."""
    with ExitStack() as stack, asyncio.Runner() as runner:
        plain, shared = [runner.run(prepare_viewer(url, count, SpeedViewer.EVERYTHING)) for url in urls]
        large = runner.run(_share(shared.url, count // LARGE))
        some = runner.run(_some(plain.url))
        before, after = [stack.enter_context(start_contender(ALL[0], filled)) for filled in (plain, shared)]
        rows = []
        for name, document in DOCUMENTS.items():
            bodies = _bodies(document, some[name])
            pair = Measured(before, plain.key, bodies), Measured(after, shared.key, bodies)
            rows.append([name, *runner.run(_compared(pair, rounds, seconds))])
        for name, document in LARGE_DOCUMENTS.items():
            own, other = [Measured(after, shared.key, _bodies(document, [uuid])) for uuid in large]
            rows.append([name, *runner.run(_compared((own, other), rounds, seconds))])
    return table(["shares", "none, or own items: p50 ms", "some, or shares: p50 ms", "ratio"], rows)


async def _compared(pair: tuple[Measured, Measured], rounds: int, seconds: float) -> list[str]:
    """Return both median latencies and their ratio, of slices in turn after a warm-up."""
    latencies: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for each, measured in zip(latencies, pair, strict=True):
            async with connected(measured.server.port, measured.key) as connections:
                answer = orjson.loads(await connections[0].ask(measured.bodies[0]))
                assert "errors" not in answer, answer
                done = await run_slice(connections, measured.bodies, seconds)
            each += done.latencies if number else []
    before, after = map(median, latencies)
    return [f"{before * 1000:.2f}", f"{after * 1000:.2f}", verdict(after / before, AT_MOST, False)]


def _bodies(document: str, uuids: Sequence[Any]) -> list[bytes]:
    return [orjson.dumps({"query": document, "variables": {"uuid": str(uuid)}}) for uuid in uuids]


async def _share(url: str, count: int) -> tuple[Any, Any]:
    database = Database(url)
    try:
        await share_and_publish(database)
        large = await add_large_folders(database, count)
    finally:
        await database.close()
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    return large


async def _some(url: str) -> Mapping[str, list[Any]]:
    """Return the UUIDs that each document is about: folders, folders right below roots, and items."""
    parent = folders.alias("parent")
    below_root = sa.exists().where(parent.c.uuid == folders.c.parent_uuid, parent.c.parent_uuid.is_(None))
    chosen = {
        "a folder page": sa.select(folders.c.uuid).where(folders.c.uuid.in_(sa.select(items.c.folder_uuid))),
        "a subtree by name": sa.select(folders.c.uuid).where(below_root),
        "a subtree by kind": sa.select(folders.c.uuid).where(below_root),
        "a point read": sa.select(items.c.uuid),
    }
    database = Database(url)
    try:
        return {
            name: [row.uuid for row in await database.rows(query.order_by("uuid").limit(200), sa.Row)]
            for name, query in chosen.items()
        }
    finally:
        await database.close()
