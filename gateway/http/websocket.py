"""GraphQL over WebSocket with the graphql-transport-ws protocol.

Each operation is a task of its socket and is cancelled when the socket closes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, suppress
from functools import partial
from time import monotonic
from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from gateway.auth.failed_credentials import TooManyFailures
from gateway.auth.live_credential import LiveCredential
from gateway.auth.viewer import Viewer
from gateway.database.outages import is_outage, outlast
from gateway.errors import DomainError, ErrorCode
from gateway.execution.answers import Answer
from gateway.execution.error_bodies import error_body
from gateway.execution.limits import LimitExceeded, note_excess
from gateway.execution.operations import (
    Allowed,
    Answers,
    OperationNotAllowed,
    OperationRequest,
)
from gateway.execution.subscriptions import Deliver
from gateway.http.connections import SETTLED, WRITE
from gateway.http.graphql_service import GraphQLService
from gateway.http.messages import (
    END_OF_NEXT,
    PROTOCOL,
    CloseCode,
    Message,
    SocketClosed,
    encode,
    parse,
    start_of_next,
)
from gateway.http.open_connections import OpenConnections
from gateway.http.requests import operation_request
from gateway.ids import new_request_id
from gateway.telemetry.metrics import FRAMES, SOCKETS
from gateway.telemetry.refusals import note_closed_socket
from gateway.web_addresses import ANY_ORIGIN

CLOSE_SECONDS = 1.0


class GraphQLWebSocketEndpoint:
    """ASGI application that accepts sockets."""

    def __init__(self, service: GraphQLService, connections: OpenConnections) -> None:
        self._service = service
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        websocket = WebSocket(scope, receive, send)
        if not self._is_allowed_origin(websocket):
            # The status is 403. With a body, uvicorn would log an error for each attempt.
            await websocket.close()
        elif PROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            reason = "Subprotocol not acceptable"
            await websocket.close(CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, reason)
        else:
            await websocket.accept(PROTOCOL)
            with SOCKETS.one_more("websocket"):
                await WebSocketHandler(websocket, self._service, self._connections).serve()

    def _is_allowed_origin(self, websocket: WebSocket) -> bool:
        """Return whether the page that opens the socket may do so.

        The same-origin policy does not cover sockets, but browsers name the origin of the page.
        """
        origin, host = websocket.headers.get("origin"), websocket.headers.get("host")
        if origin is None or {origin, ANY_ORIGIN} & self._service.origins:
            return True
        return origin.partition("://")[2] == host


class WebSocketHandler:
    """One accepted socket, its viewer and its running operations."""

    def __init__(
        self, websocket: WebSocket, service: GraphQLService, connections: OpenConnections
    ) -> None:
        self._websocket = websocket
        self._extensions: Mapping[str, Any] = websocket.scope.get("extensions", {})
        self._write: Callable[[bytes], bool] | None = self._extensions.get(WRITE)
        self._service = service
        self._connections = connections
        self._admission = ExitStack()
        self._authorization: str | None = None
        self._viewer: Viewer | None = None
        self._is_initialised = False
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()
        self._sent_at = monotonic()

    async def serve(self) -> None:
        """Handle messages until the client disconnects or the socket must be closed."""
        closed: SocketClosed | None = None
        try:
            async with self._tasks:
                self._tasks.create_task(self._keep_alive())
                while True:
                    await self._handle(parse(await self._receive()))
        except* WebSocketDisconnect:
            pass  # the client has gone: nobody is left to notify
        except* SocketClosed as group:
            closed = next(error for error in group.exceptions if isinstance(error, SocketClosed))
        except* Exception as group:
            reason = error_body(group, new_request_id())  # logs it
            closed = SocketClosed(CloseCode.INTERNAL_ERROR, "Internal error")
            if reason["extensions"]["code"] is ErrorCode.UNAVAILABLE:
                closed = SocketClosed(CloseCode.TRY_AGAIN_LATER, reason["message"])
        finally:
            self._admission.close()
        if closed:
            note_closed_socket(closed.code, closed.reason)
            with suppress(TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._websocket.close(closed.code, closed.reason)

    async def _receive(self) -> str:
        """Return the next text frame."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        frame = message.get("text")
        if not isinstance(frame, str):
            raise SocketClosed(CloseCode.BAD_MESSAGE, "Only text frames are supported")
        if len(frame) > self._service.limits.body_bytes:
            raise SocketClosed(
                CloseCode.MESSAGE_TOO_BIG, "The message is larger than the limit body_bytes"
            )
        return frame

    async def _handle(self, message: Message) -> None:
        """Act on one message of the client."""
        match message["type"]:
            case "connection_init":
                await self._initialise(message.get("payload") or {})
            case "ping":
                payload = message.get("payload")
                try:
                    await self._send({"type": "pong"} | ({"payload": payload} if payload else {}))
                except TypeError:
                    reason = "The payload is nested too deeply"
                    raise SocketClosed(CloseCode.BAD_MESSAGE, reason) from None
            case "subscribe":
                await self._start_operation(message["id"], message["payload"])
            case "complete":
                if task := self._running.pop(message["id"], None):
                    task.cancel()

    async def _initialise(self, payload: dict[str, Any]) -> None:
        """Authenticate the client by `authorization` in the payload and count its socket."""
        if self._is_initialised:
            raise SocketClosed(CloseCode.TOO_MANY, "Too many initialisation requests")
        self._is_initialised = True
        authorization = next(
            (value for name, value in payload.items() if name.lower() == "authorization"), None
        )
        self._authorization = authorization if isinstance(authorization, str) else None
        try:
            credential = await self._authenticate()
        except DomainError as error:
            raise SocketClosed(CloseCode.TRY_AGAIN_LATER, error.message) from None
        viewer = self._viewer = credential.viewer
        self._tasks.create_task(self._close_at_end_of(credential))
        try:
            self._admission.enter_context(self._connections.admit(viewer.user_uuid))
        except LimitExceeded as excess:
            note_excess(excess)
            raise SocketClosed(CloseCode.TOO_MANY, excess.message) from None
        if settle := self._extensions.get(SETTLED):
            settle()
        if not self._acknowledged.done():  # cancelled if the socket is closing
            self._acknowledged.set_result(None)
        await self._send({"type": "connection_ack"})

    async def _start_operation(self, id_: str, payload: dict[str, Any]) -> None:
        """Start the task of an operation, unless the socket runs too many."""
        if not self._acknowledged.done():
            reason = "Send connection_init and wait for connection_ack first"
            raise SocketClosed(CloseCode.UNAUTHORIZED, reason)
        if id_ in self._running:
            reason = f"Subscriber for {id_} already exists"
            raise SocketClosed(CloseCode.SUBSCRIBER_EXISTS, reason)
        request_id = new_request_id()
        try:
            request = operation_request(payload, request_id)
        except DomainError as error:
            raise SocketClosed(CloseCode.BAD_MESSAGE, error.message) from None
        limit, count = self._service.limits.operations_per_socket, len(self._running) + 1
        if count > limit:
            message = (
                f"The socket would run {count:,} operations; "
                f"at most {limit:,} are allowed (limit: operations_per_socket)."
            )
            excess = LimitExceeded(message, "operations_per_socket", limit, count)
            await self._send_error(id_, excess, request_id)
        else:
            self._running[id_] = self._tasks.create_task(self._run_operation(id_, request))

    async def _run_operation(self, id_: str, request: OperationRequest) -> None:
        """Run one operation to its end; only errors of the socket itself go beyond it."""
        start = start_of_next(id_)
        try:
            outcome = await self._begin(request, partial(self._deliver, start))
            if isinstance(outcome, Answer):
                if await self._send_answer(id_, start, outcome):
                    await self._finish(id_, {"type": "complete"})
                return
            async with aclosing(outcome) as answers:
                async for answer in answers:
                    if not await self._send_answer(id_, start, answer):
                        return
                    del answer  # frees its memory while waiting for the next
            await self._finish(id_, {"type": "complete"})
        except (SocketClosed, WebSocketDisconnect):
            raise
        except Exception as error:
            await self._send_error(id_, error, request.request_id)

    async def _begin(self, request: OperationRequest, deliver: Deliver[Answer]) -> Answers | Answer:
        """Return the answers to an operation.

        While the database is away and the credential cannot be checked, subscriptions wait.
        """

        def subscribe(viewer: Viewer, allowed: Allowed) -> Awaitable[Answers | Answer]:
            make_context = partial(self._service.make_context, viewer, request.request_id)
            return self._service.operations.subscribe(request, make_context, allowed, deliver)

        try:
            credential = await self._authenticate()
        except Exception as outage:
            if self._viewer is None or not is_outage(outage):
                raise
            try:
                outcome = await subscribe(self._viewer, {OperationType.SUBSCRIPTION})
            except OperationNotAllowed:
                raise outage from None
            await outlast(self._authenticate)
            return outcome
        return await subscribe(credential.viewer, frozenset(OperationType))

    def _deliver(self, start: bytes, answer: Answer) -> bool:
        """Send an answer that does not end its operation, if it can be sent without waiting."""
        return answer.executed and self._send_at_once(start + answer.shared_json + END_OF_NEXT)

    async def _send_answer(self, id_: str, start: bytes, answer: Answer) -> bool:
        """Send an answer; return whether the operation continues, which it does if executed."""
        if answer.executed:
            await self._send_text(start + answer.shared_json + END_OF_NEXT)
        else:
            await self._finish(id_, {"type": "error", "payload": answer.errors})
        return answer.executed

    async def _send_error(self, id_: str, error: Exception, request_id: str) -> None:
        await self._finish(id_, {"type": "error", "payload": [error_body(error, request_id)]})

    async def _finish(self, id_: str, message: Message) -> None:
        """Send the last message of an operation."""
        self._running.pop(id_, None)  # first, because the client may reuse the id at once
        await self._send({"id": id_, **message})

    async def _keep_alive(self) -> None:
        """Ping a client to which nothing else is sent; close the socket if it does not start."""
        timeouts = self._service.timeouts
        try:
            async with asyncio.timeout(timeouts.initialise):
                await self._acknowledged
        except TimeoutError:
            reason = "Connection initialisation timeout"
            raise SocketClosed(CloseCode.INITIALISATION_TIMEOUT, reason) from None
        while True:
            await asyncio.sleep(self._sent_at + timeouts.ping - monotonic())
            if monotonic() - self._sent_at >= timeouts.ping:
                await self._send({"type": "ping"})

    async def _authenticate(self) -> LiveCredential:
        try:
            return await self._service.authenticate(self._authorization)
        except TooManyFailures as error:
            raise SocketClosed(CloseCode.TOO_MANY, error.message) from None
        except DomainError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            reason = "The credential is missing, invalid, expired or revoked"
            raise SocketClosed(CloseCode.FORBIDDEN, reason) from None

    async def _close_at_end_of(self, credential: LiveCredential) -> None:
        """Close the socket, and so cancel its operations, once its credential has ended."""
        raise SocketClosed(CloseCode.FORBIDDEN, (await credential.ended()).message)

    async def _send(self, message: Message) -> None:
        await self._send_text(encode(message))

    async def _send_text(self, text: bytes) -> None:
        """Send a text; waits while the client reads slowly."""
        if self._send_at_once(text):
            return
        try:
            await self._websocket.send({"type": "websocket.send", "text": text.decode()})
        except WebSocketDisconnected:
            raise WebSocketDisconnect(1006) from None
        self._note_sent()

    def _send_at_once(self, text: bytes) -> bool:
        """Send a text if that is possible without waiting; return whether it was."""
        if self._write is None or not self._write(text):
            return False
        self._note_sent()
        return True

    def _note_sent(self) -> None:
        FRAMES.add("websocket")
        self._sent_at = monotonic()
