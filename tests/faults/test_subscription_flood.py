"""A flood of subscriptions within the limits, which slows only the sockets of its own viewer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest
from websockets.asyncio.client import ClientConnection

from tests.fixtures.commands import Command, external_site
from tests.fixtures.innocent import Visits, innocent_client, p95
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File
from tests.processes import free_ports
from tests.speed.lagging import delays
from tests.transports.serving import SocketClient, socket_to

pytestmark = pytest.mark.long

SOCKETS, SUBSCRIPTIONS, WRITES = 20, 100, 5
VISITS = 60
SAME = """subscription Watch($folder: UUID!) { storageChanged(folderUuid: $folder, recursive: true) {
    latest folder { name uuid } changes { uuid action after user { email } storageFolder { name } folder { name } }
} }"""
"""Each subscription is the same, or has a document of its own."""
NAMES = {"same": "Watch", "different": "Watch{}"}
SLOWER = {"same": 4, "different": 8}
"""How many times longer than at idle the page may take; each new document has to be planned once, too."""


@asynccontextmanager
async def flooded(site: Site, folder: str, which: str) -> AsyncIterator[list[SocketClient]]:
    """Open the sockets, and subscribe as often as the limits allow."""
    async with AsyncExitStack() as stack:
        sockets = []
        for number in range(SOCKETS):
            address = f"{site.url.partition('://')[2]}/graphql"
            socket = await stack.enter_async_context(socket_to(address))
            await socket.initialise(site.headers("flood@example.org")["Authorization"])
            sockets.append(socket)
            for each in range(SUBSCRIPTIONS):
                document = SAME.replace("Watch", NAMES[which].format(number * SUBSCRIPTIONS + each))
                await socket.subscribe(str(each), document, variables={"folder": folder})
        yield sockets


async def count(connection: ClientConnection, changes: dict[str, int], refused: set[str]) -> None:
    """Count the changes that each subscription has received."""
    async for frame in connection:
        message = orjson.loads(frame)
        key = f"{id(connection)}.{message.get('id')}"
        if message["type"] == "next":
            new = message["payload"]["data"]["storageChanged"]["changes"]
            changes[key] = changes.get(key, 0) + len(new)
        elif message["type"] == "error":
            error = message["payload"][0]["extensions"]
            assert error.get("limit") == "subscriptionCost" or error["code"] == "TIMEOUT", message
            refused.add(key)


def has_all(changes: dict[str, int], written: int) -> bool:
    return set(changes.values()) == {written}


async def until(condition: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("which", sorted(NAMES))
async def test_a_flood_slows_its_own_sockets_only(request: pytest.FixtureRequest, tmp_path: Path, which: str) -> None:
    [port] = free_ports(1)
    with (
        fresh_settings("embedded", request, tmp_path, public_url=f"http://127.0.0.1:{port}") as settings,
        Command(settings, tmp_path, str(port), "delays", module="tests.speed.lagging") as server,
    ):
        async with external_site(settings, server) as site:
            page, watched = await site.folder("page"), await site.folder("watched")
            files = [File(f"{number}.txt", "PLAIN_TEXT", f"note {number}".encode()) for number in range(30)]
            await upload_items(site, page, files)
            group = await site.group("flood")
            await site.user("flood@example.org", groups=[group])
            await site.grant(watched, group, "VIEWER")
            with innocent_client(site, tmp_path, page) as visits:
                await flood(site, watched, which, visits, tmp_path / "delays")


async def flood(site: Site, watched: str, which: str, visits: Visits, file: Path) -> None:
    """Compare the visits of the innocent client during the flood with those before and after it."""
    began = time.time()
    await visits.until(VISITS, began)
    idle = time.time()
    changes: dict[str, int] = {}
    refused: set[str] = set()
    written = 0
    async with flooded(site, watched, which) as sockets, asyncio.TaskGroup() as tasks:
        counting = [tasks.create_task(count(socket.connection, changes, refused)) for socket in sockets]
        await until(lambda: len(changes) + len(refused) == SOCKETS * SUBSCRIPTIONS, 90)
        settled = time.time()
        while written < WRITES or len(visits.seconds(settled)) < VISITS:
            for _ in range(WRITES):
                written += 1
                await site.folder(f"{written}", watched)
            await until(partial(has_all, changes, written), 60)
        over = time.time()
        for task in counting:
            task.cancel()
    await visits.until(VISITS, over + 2)
    before = p95(sorted(visits.seconds(began, idle) + visits.seconds(over + 2)))
    during = p95(visits.seconds(settled, over))
    busy = delays(file, settled, over, own=True)
    print(
        f"\n{which}: {len(changes)} subscriptions, {len(refused)} refused, subscribed in {settled - idle:.1f} s, "
        f"{written} writes in {over - settled:.1f} s, page p95 {before * 1000:.1f} -> {during * 1000:.1f} ms, "
        f"loop busy for at most {busy[-1] * 1000:.0f} ms, p99 {busy[int(len(busy) * 0.99)] * 1000:.0f} ms"
    )
    assert during < SLOWER[which] * before
    assert busy[-1] < 0.2  # in its own CPU time, which other processes do not increase
