"""Servers of the toy schema, in process or by uvicorn, and clients for HTTP and WebSocket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from gateway.execution.operations import Operations
from gateway.execution.persisted_documents import PersistedDocuments
from gateway.execution.rates import Rates
from gateway.http.graphql import graphql_routes
from gateway.http.graphql_service import GraphQLService, SocketTimeouts
from gateway.limits import Limits
from tests.prompt_server import PromptServer
from tests.transports.toy import SCHEMA, Context, Stage

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
ADA = {"authorization": "Bearer ada"}
PROTOCOL = "graphql-transport-ws"


def page(_request: Request) -> Response:
    return HTMLResponse("<title>GraphiQL</title>")


def application(
    stage: Stage,
    limits: Limits | None = None,
    timeouts: SocketTimeouts | None = None,
    persisted: PersistedDocuments | None = None,
) -> Starlette:
    limits = limits or Limits()
    service = GraphQLService(
        authenticate=stage.authenticate,
        make_context=partial(Context, stage),
        operations=Operations(SCHEMA, limits, persisted=persisted, rates=Rates(limits.cost_per_minute)),
        limits=limits,
        origins=frozenset({"https://friend.example"}),
        timeouts=timeouts or SocketTimeouts(),
        closing=stage.closing,
    )
    return Starlette(routes=graphql_routes(service, page=page))


def http_client(
    stage: Stage, limits: Limits | None = None, persisted: PersistedDocuments | None = None
) -> httpx.AsyncClient:
    """Return a client of an application in this process; its viewer is ada by default."""
    transport = httpx.ASGITransport(application(stage, limits, persisted=persisted))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.example", headers=ADA)


@asynccontextmanager
async def serve(
    stage: Stage,
    limits: Limits | None = None,
    timeouts: SocketTimeouts | None = None,
    persisted: PersistedDocuments | None = None,
) -> AsyncIterator[str]:
    """Yield the address, without scheme, of an application that uvicorn serves on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            application(stage, limits, timeouts, persisted),
            log_config=None,
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        server = PromptServer(config)
        serving = asyncio.create_task(server._serve([listener]))  # serve() would replace pytest's signal handlers
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield f"127.0.0.1:{port}/graphql"
        finally:
            server.should_exit = True
            await serving


class SocketClient:
    """A minimal client that can also violate the protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: object) -> None:
        await self.send_text(orjson.dumps(message).decode())

    async def send_text(self, text: str) -> None:
        await self.connection.send(text)

    async def receive(self) -> Any:
        async with asyncio.timeout(5):
            return orjson.loads(await self.connection.recv())

    async def initialise(self, credential: object = "Bearer ada") -> None:
        await self.send({"type": "connection_init", "payload": {"authorization": credential}})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id_: str, query: str, **members: object) -> None:
        await self.send({"type": "subscribe", "id": id_, "payload": {"query": query, **members}})

    async def complete(self, id_: str) -> None:
        await self.send({"type": "complete", "id": id_})

    async def read_until_closed(self) -> tuple[int, str]:
        """Return the code and reason with which the server closes the socket; ignore earlier messages."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            assert closed.rcvd
            return closed.rcvd.code, closed.rcvd.reason


@asynccontextmanager
async def socket_to(
    address: str, protocol: str | None = PROTOCOL, origin: str | None = None
) -> AsyncIterator[SocketClient]:
    connection = connect(
        f"ws://{address}",
        subprotocols=[Subprotocol(protocol)] if protocol else None,
        origin=Origin(origin) if origin is not None else None,
        compression=None,
        proxy=None,
    )
    async with connection as opened:
        yield SocketClient(opened)


async def wait_until(condition: Callable[[], bool], seconds: float = 1.0) -> None:
    """Wait until a condition is true; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
