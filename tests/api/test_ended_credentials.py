"""Credentials that end while they are in use: requests and open sockets notice within 5 seconds."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.fixtures.sites import Site
from tests.fixtures.watching import subscribe

BOUND = 4.5
"""Seconds within which a credential must have ended everywhere; 5 are promised."""


@asynccontextmanager
async def idle_socket(site: Site, who: str) -> AsyncIterator[ClientConnection]:
    """Open a socket that runs nothing."""
    url = site.url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        payload = {"authorization": site.headers(who)["Authorization"]}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        yield socket


async def closed(socket: ClientConnection) -> int | None:
    """Wait until a socket is closed, and return the code."""
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except ConnectionClosed:
        return socket.close_code


async def seconds_to_end(site: Site, who: str, folder: str, end: Callable[[], Awaitable[object]]) -> float:
    """Return how long a user's sockets stay open after `end`: an idle one, and one that watches a folder.

    By then, requests are refused, too.
    """
    query = f'subscription {{ storageChanged(folderUuid: "{folder}") {{ latest }} }}'
    async with idle_socket(site, who) as socket, subscribe(site, {"query": query}, who) as [watch]:
        await watch.until(lambda watch: watch.states)
        assert "data" in await site.body("{ viewer { siteRole } }", who=who)
        await end()
        started = time.monotonic()
        await asyncio.gather(watch.ended(), closed(socket))
        seconds = time.monotonic() - started
        assert (socket.close_code, watch.closed) == (4403, 4403)
        assert "errors" in await site.body("{ viewer { siteRole } }", who=who)
    return seconds


async def new_key(site: Site, who: str, **more: str) -> str:
    """Let a user have another key, and return its UUID."""
    payload = await site.done("createApiKey", {"name": "k", **more}, "token apiKey { uuid }", who)
    site.keys[who] = payload["token"]
    return str(payload["apiKey"]["uuid"])


@pytest.fixture
async def ann(site: Site) -> str:
    """Site admin besides the first."""
    await site.user("ann@example.org", "ADMIN")
    return "ann@example.org"


async def test_a_revoked_key_ends_soon(site: Site, ann: str) -> None:
    folder, key = await site.folder("F"), await new_key(site, ann)
    old = {"apiKeyUuid": key}
    assert await seconds_to_end(site, ann, folder, lambda: site.done("revokeApiKey", old, "apiKey { uuid }")) < BOUND


async def test_a_deactivated_user_is_out_soon(site: Site, ann: str) -> None:
    folder = await site.folder("F")
    uuid = (await site.ask("{ viewer { user { uuid } } }", who=ann))["viewer"]["user"]["uuid"]
    leave = {"userUuid": uuid, "isActive": False}
    assert await seconds_to_end(site, ann, folder, lambda: site.done("updateUser", leave, "user { uuid }")) < BOUND


async def test_a_key_expires_on_time(site: Site, ann: str) -> None:
    """A key that is in use ends like any other (SUB-125)."""
    folder = await site.folder("F")
    end = datetime.now(UTC) + timedelta(seconds=2)
    await new_key(site, ann, expiresAt=end.isoformat())

    async def expire() -> None:
        await asyncio.sleep((end - datetime.now(UTC)).total_seconds())

    assert await seconds_to_end(site, ann, folder, expire) < BOUND


async def test_a_lost_event_costs_no_more_than_the_bound(site: Site, ann: str) -> None:
    """With SQLite, the command line revokes a key in a process of its own, which has no events."""
    folder, key = await site.folder("F"), await new_key(site, ann)
    statement = sa.text("UPDATE api_keys SET revoked_at = created_at WHERE uuid = :uuid")

    async def revoke() -> None:
        async with site.services.database.writing() as transaction:
            await transaction.execute(statement.bindparams(sa.bindparam("uuid", UUID(key), sa.Uuid)))

    assert await seconds_to_end(site, ann, folder, revoke) < BOUND


async def test_a_demoted_admin_sees_no_more_soon(site: Site, ann: str) -> None:
    """Sockets are closed, since what they run has the former role; the next request has the new one."""
    folder = await site.folder("F")
    user = (await site.ask("{ viewer { user { uuid } } }", who=ann))["viewer"]["user"]["uuid"]
    seen = f'{{ viewer {{ siteRole }} storageFolder(uuid: "{folder}") {{ name }} }}'
    assert (await site.ask(seen, who=ann))["storageFolder"]
    async with idle_socket(site, ann) as socket:
        await site.done("updateUser", {"userUuid": user, "siteRole": "MEMBER"}, "user { uuid }")
        started = time.monotonic()
        assert await closed(socket) == 4403
        assert (await site.ask(seen, who=ann)) == {"viewer": {"siteRole": "MEMBER"}, "storageFolder": None}
    assert time.monotonic() - started < BOUND


async def test_who_revokes_their_own_key_is_answered(site: Site, ann: str) -> None:
    """The key ends while the mutation is still being answered."""
    for _ in range(3):
        await site.user(email := f"{uuid4().hex}@example.org")
        key = (await site.ask("{ viewer { user { apiKeys { nodes { uuid } } } } }", who=email))["viewer"]["user"]
        own = {"apiKeyUuid": key["apiKeys"]["nodes"][0]["uuid"]}
        assert (await site.done("revokeApiKey", own, "apiKey { revokedAt }", email))["apiKey"]["revokedAt"]


async def test_all_processes_are_told(site: Site, ann: str) -> None:
    """Whoever listens need not wait for the regular check."""
    key, user = await new_key(site, ann), (await site.ask("{ viewer { user { uuid } } }", who=ann))["viewer"]["user"]
    changes = [
        ("revokeApiKey", {"apiKeyUuid": key}, "apiKey { uuid }"),
        ("updateUser", {"userUuid": user["uuid"], "siteRole": "MEMBER"}, "user { uuid }"),
        ("updateUser", {"userUuid": user["uuid"], "isActive": False}, "user { uuid }"),
    ]
    async with site.services.events.listen("credentials") as news:
        for mutation, input, selection in changes:
            await site.done(mutation, input, selection)
            assert await news.wait(5), mutation
        await new_key(site, "admin")
        assert not await news.wait(0.5)
