"""Lifecycle of sockets: cleanup, revoked credentials, and slow readers."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from structlog.typing import EventDict

from gateway.limits import Limits
from tests.transports.serving import serve, socket_to, wait_until
from tests.transports.toy import Stage

FOREVER = "subscription { events(pause: 0.01) { number } }"
SILENT = "subscription { events(pause: 1000) { number } }"


async def test_complete_closes_the_source_at_once(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        for id_, query in (("loud", FOREVER), ("silent", SILENT)):
            await socket.subscribe(id_, query)
        await wait_until(lambda: len(stage.live) == 2)
        await socket.complete("loud")
        await socket.complete("silent")
        await wait_until(lambda: not stage.live)


@pytest.mark.parametrize("query", [FOREVER, SILENT])
async def test_an_abrupt_end_frees_every_source_within_a_second(stage: Stage, query: str) -> None:
    async with serve(stage) as address, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_to(address)) for _ in range(20)]
        for socket in sockets:
            await socket.initialise()
            await socket.subscribe("1", query)
            await socket.subscribe("2", query)
        await wait_until(lambda: len(stage.live) == 40, seconds=5)
        for socket in sockets:
            socket.connection.transport.abort()
        await wait_until(lambda: not stage.live)


async def test_an_abrupt_disconnect_is_no_server_error(stage: Stage, logs: list[EventDict]) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        for number in range(50):
            await socket.subscribe(str(number), "subscription { events(pause: 0.001) { number } }")
        await wait_until(lambda: len(stage.live) == 50, seconds=5)
        socket.connection.transport.abort()
        await wait_until(lambda: not stage.live)
    assert logs == []


async def test_an_internal_error_closes_the_socket(stage: Stage, logs: list[EventDict]) -> None:
    stage.broken = True
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer ada"}})
        assert await socket.read_until_closed() == (1011, "Internal error")
    assert [entry["event"] for entry in logs] == ["operation_failed", "socket_closed"]


async def test_a_stop_of_the_server_frees_every_source(stage: Stage) -> None:
    async with AsyncExitStack() as stack:
        async with serve(stage) as address:
            socket = await stack.enter_async_context(socket_to(address))
            await socket.initialise()
            await socket.subscribe("1", FOREVER)
            await wait_until(lambda: len(stage.live) == 1)
        assert (await socket.read_until_closed())[0] == 1012
        assert not stage.live


async def test_a_revoked_credential_starts_no_operation(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        stage.users.remove("ada")
        await socket.subscribe("1", "{ hello }")
        assert await socket.read_until_closed() == (4403, "The credential is missing, invalid, expired or revoked")


async def test_a_revoked_credential_receives_no_more_events(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", FOREVER)
        await wait_until(lambda: len(stage.live) == 1)
        stage.revoke("ada")
        async with asyncio.timeout(3):
            assert await socket.read_until_closed() == (4403, "This credential is invalid, expired or revoked.")
        await wait_until(lambda: not stage.live)


async def test_a_revoked_credential_closes_an_idle_socket(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        stage.revoke("ada")
        async with asyncio.timeout(3):
            assert await socket.read_until_closed() == (4403, "This credential is invalid, expired or revoked.")


async def test_a_failed_credential_check_can_be_repeated(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        stage.broken = True
        await socket.subscribe("1", "{ hello }")
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        stage.broken = False
        await socket.subscribe("1", "{ hello }")
        assert (await socket.receive())["type"] == "next"


async def test_sockets_of_a_user_are_limited(stage: Stage) -> None:
    async with serve(stage, Limits(sockets_per_viewer=2)) as address, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_to(address)) for _ in range(4)]
        for socket in sockets[:2]:
            await socket.initialise("Bearer ada")
        await sockets[2].send({"type": "connection_init", "payload": {"authorization": "Bearer ada"}})
        assert await sockets[2].read_until_closed() == (
            4429,
            "You have too many open sockets and event streams (limit: sockets_per_viewer).",
        )
        await sockets[3].initialise("Bearer bob")
        await sockets[0].connection.close()
        again = await stack.enter_async_context(socket_to(address))
        await again.initialise("Bearer ada")


async def test_each_event_has_a_context_of_its_own(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "subscription { events(steps: 2) { useOfContext } }")
        uses = [(await socket.receive())["payload"]["data"]["events"]["useOfContext"] for _ in range(2)]
    assert uses == [1, 1]


async def test_each_event_has_a_time_limit(stage: Stage) -> None:
    async with serve(stage, Limits(seconds=0.2)) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "subscription { events(pause: 0.3) { number } }")
        assert (await socket.receive())["type"] == "next"
        await socket.subscribe("2", "subscription { events(pause: 0.3) { nap(seconds: 5) } }")
        while (message := await socket.receive())["id"] == "1":
            pass
    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "TIMEOUT")


async def test_a_client_that_never_reads_stalls_its_stream(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as reader, socket_to(address) as other:
        await reader.initialise()
        await reader.subscribe("1", "subscription { events { payload(size: 1000000) } }")
        await wait_until(lambda: stage.produced > 0)
        await asyncio.sleep(0.5)  # until the buffers are full
        produced = stage.produced
        await asyncio.sleep(0.5)
        assert stage.produced == produced < 100
        await other.initialise()
        await other.subscribe("1", "{ hello }")
        assert (await other.receive())["payload"] == {"data": {"hello": "Hello, world!"}}
        reader.connection.transport.abort()
        await wait_until(lambda: not stage.live)
