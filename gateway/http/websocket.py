"""GraphQL over WebSocket: sockets that speak graphql-transport-ws, every operation a task that ends with its socket."""

import asyncio
from collections import Counter
from contextlib import aclosing, suppress
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gateway.auth.viewer import Viewer
from gateway.errors import DomainError, ErrorCode
from gateway.execution.failures import describe
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import Answer, OperationRequest, new_request_id
from gateway.http.graphql_service import GraphQLService
from gateway.http.messages import (
    PROTOCOL,
    CloseCode,
    Message,
    SocketClosed,
    encode,
    next_frame,
    parse,
)
from gateway.http.requests import operation_request

SECONDS_TO_CLOSE = 1.0
FOREIGN_ORIGIN = DomainError(ErrorCode.FORBIDDEN, "Pages of this origin may not open sockets here.")


class GraphQLWebSocketEndpoint:
    """An ASGI application that opens sockets, and counts those of each user."""

    def __init__(self, service: GraphQLService) -> None:
        self._service = service
        self._sockets: Counter[UUID] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        if not self._welcome(websocket.headers.get("origin"), websocket.headers.get("host")):
            body = orjson.dumps({"errors": [describe(FOREIGN_ORIGIN, new_request_id())]})
            await websocket.send_denial_response(Response(body, 403, media_type="application/json"))
        elif PROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(
                CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, "Subprotocol not acceptable"
            )
        else:
            await websocket.accept(PROTOCOL)
            await WebSocketHandler(websocket, self._service, self._sockets).serve()

    def _welcome(self, origin: str | None, host: str | None) -> bool:
        """Browsers would let any page open a socket, but they name its origin."""
        return (
            origin is None or origin in self._service.origins or origin.partition("://")[2] == host
        )


class WebSocketHandler:
    """One socket from its acceptance to its end; what is still running then is cancelled."""

    def __init__(
        self, websocket: WebSocket, service: GraphQLService, sockets: Counter[UUID]
    ) -> None:
        self._websocket = websocket
        self._service = service
        self._sockets = sockets
        self._credential: str | None = None
        self._checked = 0.0
        self._user: UUID | None = None
        self._initialised = False
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()

    async def serve(self) -> None:
        """Follow the client's messages until it leaves, or the socket has to end."""
        ended: SocketClosed | None = None
        try:
            async with self._tasks:
                self._tasks.create_task(self._watch())
                while True:
                    await self._follow(parse(await self._read()))
        except* WebSocketDisconnect:
            pass  # the client has left: there is nobody to tell
        except* SocketClosed as group:
            ended = next(error for error in group.exceptions if isinstance(error, SocketClosed))
        except* Exception as group:
            describe(group, new_request_id())  # logs it
            ended = SocketClosed(CloseCode.INTERNAL_ERROR, "Internal error")
        finally:
            self._sign_out()
        if ended:
            await self._close(ended)

    async def _read(self) -> str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        frame = message.get("text")
        if not isinstance(frame, str):
            raise SocketClosed(CloseCode.BAD_MESSAGE, "Send text frames")
        if len(frame) > self._service.limits.body_bytes:
            raise SocketClosed(CloseCode.MESSAGE_TOO_BIG, "Message too big")
        return frame

    async def _follow(self, message: Message) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(message.get("payload") or {})
            case "ping":
                await self._pong(message.get("payload"))
            case "subscribe":
                await self._start(message["id"], message["payload"])
            case "complete":
                if task := self._running.pop(message["id"], None):
                    task.cancel()

    async def _initialise(self, payload: dict[str, Any]) -> None:
        if self._initialised:
            raise SocketClosed(CloseCode.TOO_MANY, "Too many initialisation requests")
        self._initialised = True
        credential = next(
            (value for name, value in payload.items() if name.lower() == "authorization"), None
        )
        self._credential = credential if isinstance(credential, str) else None
        self._sign_in(await self._authenticate())
        if not self._acknowledged.done():  # else the socket is about to end
            self._acknowledged.set_result(None)
        await self._send({"type": "connection_ack"})

    async def _pong(self, payload: dict[str, Any] | None) -> None:
        try:
            await self._send({"type": "pong"} | ({"payload": payload} if payload else {}))
        except TypeError:
            raise SocketClosed(CloseCode.BAD_MESSAGE, "The payload is nested too deeply") from None

    async def _start(self, id_: str, payload: dict[str, Any]) -> None:
        if not self._acknowledged.done():
            raise SocketClosed(CloseCode.UNAUTHORIZED, "Unauthorized")
        if id_ in self._running:
            raise SocketClosed(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {id_} already exists")
        try:
            request = operation_request(payload, new_request_id())
        except DomainError as flaw:
            raise SocketClosed(CloseCode.BAD_MESSAGE, flaw.message) from None
        allowed, found = self._service.limits.operations_per_socket, len(self._running) + 1
        if found > allowed:
            excess = LimitExceeded(
                f"The socket would run {found:,} operations", "operationsPerSocket", allowed, found
            )
            await self._fail(id_, excess, request)
        else:
            self._running[id_] = self._tasks.create_task(self._operate(id_, request))

    async def _operate(self, id_: str, request: OperationRequest) -> None:
        """Run one operation to its end; its failures are its own, only those of the socket go further."""
        try:
            await self._run(id_, request)
        except (SocketClosed, WebSocketDisconnect):
            raise
        except Exception as error:
            await self._fail(id_, error, request)

    async def _run(self, id_: str, request: OperationRequest) -> None:
        viewer = await self._authenticate()
        contexts = partial(self._service.make_context, viewer, request.request_id)
        outcome = await self._service.operations.subscribe(request, contexts)
        if isinstance(outcome, Answer):
            if await self._tell(id_, outcome):
                await self._finish(id_, {"type": "complete"})
            return
        async with aclosing(outcome) as answers:
            async for answer in answers:
                if not await self._tell(id_, answer):
                    return
                del answer  # who waits holds nothing of his own
        await self._finish(id_, {"type": "complete"})

    async def _tell(self, id_: str, answer: Answer) -> bool:
        """Send an answer; whether the operation goes on: one that was refused ends it."""
        await self._recheck()
        if answer.executed:
            await self._send_text(next_frame(id_, answer.text))
        else:
            await self._finish(id_, {"type": "error", "payload": answer.errors})
        return answer.executed

    async def _fail(self, id_: str, error: Exception, request: OperationRequest) -> None:
        await self._finish(id_, {"type": "error", "payload": [describe(error, request.request_id)]})

    async def _finish(self, id_: str, message: Message) -> None:
        self._running.pop(id_, None)  # first, as the client may use the id again at once
        await self._send({"id": id_, **message})

    async def _watch(self) -> None:
        """End a socket that says nothing, or whose credential is no longer good; keep the others awake."""
        timeouts = self._service.timeouts
        try:
            async with asyncio.timeout(timeouts.initialise):
                await self._acknowledged
        except TimeoutError:
            raise SocketClosed(
                CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout"
            ) from None
        while True:
            await asyncio.sleep(timeouts.ping)
            await self._recheck()
            await self._send({"type": "ping"})

    async def _authenticate(self) -> Viewer:
        self._checked = monotonic()
        try:
            return await self._service.authenticate(self._credential)
        except DomainError:
            raise SocketClosed(CloseCode.FORBIDDEN, "Forbidden") from None

    async def _recheck(self) -> None:
        """Look the credential up again once it is old; if that cannot be done now, it is done next time."""
        if monotonic() - self._checked < self._service.timeouts.recheck:
            return
        try:
            await self._authenticate()
        except SocketClosed:
            raise
        except Exception as error:
            describe(error, new_request_id())  # logs it

    def _sign_in(self, viewer: Viewer) -> None:
        if self._sockets[viewer.user_uuid] >= self._service.limits.sockets_per_viewer:
            raise SocketClosed(CloseCode.TOO_MANY, "Too many sockets")
        self._user = viewer.user_uuid
        self._sockets[self._user] += 1

    def _sign_out(self) -> None:
        if self._user:
            self._sockets[self._user] -= 1
            if not self._sockets[self._user]:
                del self._sockets[self._user]

    async def _send(self, message: Message) -> None:
        await self._send_text(encode(message))

    async def _send_text(self, frame: str) -> None:
        try:
            await self._websocket.send(
                {"type": "websocket.send", "text": frame}
            )  # waits while the client reads slowly
        except WebSocketDisconnected:
            raise WebSocketDisconnect(1006) from None

    async def _close(self, ended: SocketClosed) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await self._websocket.close(ended.code, ended.reason)
