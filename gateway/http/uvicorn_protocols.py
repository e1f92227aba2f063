"""Uvicorn's protocols with bounds on connections: the only module that builds on their insides.

An upgrade of uvicorn may change these: `tests/house/test_private_apis.py` has canaries, and
`tests/transports/test_connections.py` attacks a server.
"""

import asyncio
import json
import struct
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.errors import ErrorCode
from gateway.http.connections import SETTLED, WRITE, ClientConnection, Connections

_CODES = {408: ErrorCode.TIMEOUT, 431: ErrorCode.LIMIT_EXCEEDED, 503: ErrorCode.UNAVAILABLE}
_LINGER_SECONDS = 0.5
"""Time in which a client can read why its request was refused, before the connection is closed."""
_LENGTH = b"\r\ncontent-length: "
_WHOLE_TEXT = 0x81
"""First byte of a frame that holds a whole text."""
_HEADER_OVERHEAD = 4
"""Bytes of a header besides its name and value."""


class _JoinedWrites:
    """The transport of one response, whose head is sent in one piece with the start of its body.

    uvicorn writes them one after the other, and each write is a packet and a system call.
    """

    __slots__ = ("_head", "_is_begun", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._is_begun = False

    def write(self, data: bytes) -> None:
        """Send bytes, except a head that says how long the body is: that follows soon."""
        if self._head:
            data, self._head = self._head + data, b""
        elif not self._is_begun and _LENGTH in data:
            self._head, self._is_begun = data, True
            return
        self._is_begun = True
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close the connection once everything has been sent."""
        self._transport.close()


class HTTPProtocol(HttpToolsProtocol):
    """HTTP on one connection."""

    def __init__(self, connections: Connections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._connections = connections
        self._connection: ClientConnection | None = None
        self._reads_headers = False
        self._header_bytes = 0
        self._arrived_bytes = 0
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        host = self.client[0] if self.client else ""
        self._connection = self._connections.admit(transport, host, self._refuse)
        if self._connection is None:
            self._refuse(503, "The server has too many connections. Try again later.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return  # uvicorn would respond again
        self._arrived_bytes = len(data)
        super().data_received(data)
        if self._reads_headers:
            if not self._header_bytes and self._connection and self._connection.is_idle:
                # The client has some time for the rest, unless a request is still running.
                deadline = monotonic() + self._connections.limits.header_seconds
                self._connections.set_idle(self._connection, deadline)
            self._header_bytes += len(data)
            self._check_headers(self._header_bytes)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reads_headers, self._header_bytes = True, 0

    def on_headers_complete(self) -> None:
        # Usually all headers arrive at once, with bytes that are within the limit as a whole.
        if self._header_bytes + self._arrived_bytes > self._connections.limits.header_bytes:
            lengths = (len(name) + len(value) + _HEADER_OVERHEAD for name, value in self.headers)
            if not self._check_headers(len(self.url) + sum(lengths)):
                raise ValueError("too many headers")  # the parser stops
        self._reads_headers = False
        if self._connection:
            self._connections.set_busy(self._connection)
            self._connection.expect(more=True)
        super().on_headers_complete()
        has_body = self.parser.get_method() != b"HEAD"
        if has_body and self.cycle and not self.cycle.response_complete:  # no upgrade
            self.cycle.transport = _JoinedWrites(self.transport)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._connection:
            self._connection.received += len(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._connection:
            self._connection.expect(more=False)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._connection and not self.pipeline and self.cycle.response_complete:
            limits = self._connections.limits
            seconds = limits.header_seconds if self._reads_headers else limits.idle_seconds
            self._connection.expect(more=False)
            self._connections.set_idle(self._connection, monotonic() + seconds)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._connection:
            self._connection.set_blocked(blocked=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._connection:
            self._connection.set_blocked(blocked=False)

    def send_400_response(self, msg: str) -> None:
        """Respond to what is not HTTP, unless the request was refused for another reason."""
        if not self._is_refused:
            super().send_400_response(msg)

    def timeout_keep_alive_handler(self) -> None:
        """Leave it to `Connections.check` to close idle connections."""

    def _check_headers(self, size: int) -> bool:
        """Return whether headers of that size are allowed; refuse the request if not."""
        limit = self._connections.limits.header_bytes
        if size > limit:
            self._refuse(431, f"The headers are larger than {limit:,} bytes (limit: header_bytes).")
        return size <= limit

    def _refuse(self, status: int, message: str) -> None:
        """Close the connection; respond first if a request has begun and has no response yet."""
        if self._is_refused:
            return
        self._is_refused = True
        cycle = self.cycle
        is_running = cycle is not None and not cycle.response_complete
        if status == 503 or (is_running and not cycle.response_started):
            self.transport.write(_response(status, message))
        elif self._reads_headers and not is_running:
            self.transport.write(_response(status, message))
            # If it were closed before all was read, the client might not see the response.
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
            return
        self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket on a connection that began as HTTP."""

    def __init__(self, connections: Connections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._connections = connections
        self._connection: ClientConnection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connection = self._connections.of(transport)
        self._connection.refuse = lambda _status, message: self._refuse(message)
        # Until its client has authenticated, it can be closed in favour of others.
        self._connections.set_idle(self._connection)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self.transport)
        super().connection_lost(exc)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.transport.is_closing():
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[SETTLED] = partial(self._connections.set_busy, self._connection)
            extensions[WRITE] = self._write_text

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._connection.received += len(data)
        self._connection.expect(more=bool(self.frames or self.conn.reader.buffer))

    def pause_writing(self) -> None:
        super().pause_writing()
        self._connection.set_blocked(blocked=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._connection.set_blocked(blocked=False)

    def _write_text(self, text: bytes) -> bool:
        """Send a text as `send` does, at a third of its cost; return whether it could be sent."""
        is_closing = self.conn.close_sent or self.conn.close_rcvd or self.transport.is_closing()
        if is_closing or self.close_sent or self._connection.is_blocked:
            return False
        self.transport.write(_text_frame_head(len(text)) + text)
        return True

    def _refuse(self, reason: str) -> None:
        """Close the connection with a reason."""
        self.conn.fail(1008, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()


def _text_frame_head(length: int) -> bytes:
    """Return what precedes a text of so many bytes in its frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((_WHOLE_TEXT, length))
    if length < 1 << 16:
        return struct.pack("!BBH", _WHOLE_TEXT, 126, length)
    return struct.pack("!BBQ", _WHOLE_TEXT, 127, length)


def _response(status: int, message: str) -> bytes:
    """Return a whole response that ends its connection."""
    extensions = {"code": _CODES[status]}
    body = json.dumps({"errors": [{"message": message, "extensions": extensions}]}).encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "content-type: application/json; charset=utf-8",
        f"content-length: {len(body)}",
        *(["retry-after: 1"] if status == 503 else []),
        "connection: close",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
