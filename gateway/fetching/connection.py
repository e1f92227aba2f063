"""HTTP/1.1 on one connection: requests without a body, and their responses one after the other."""

import asyncio
from collections import deque
from typing import cast

import httptools

NO_PROGRESS_SECONDS = 15.0
"""Time without a byte after which a server counts as unresponsive."""
MAX_HEAD_BYTES = 64 << 10
"""Bytes of the status line and all headers of a response."""
_MAX_BUFFERED = 1 << 20
"""Bytes of a body that wait to be read before no more are received."""
_INFORMATIONAL = range(100, 200)


class ConnectionBroken(Exception):
    """The server cannot be reached, closed the connection early, or does not speak HTTP."""


class Unresponsive(Exception):
    """The server sent nothing for too long."""


class ServerResponse:
    """A response whose body is read in chunks; header names are in lower case."""

    def __init__(self, *, has_body: bool) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_body = has_body
        self.has_head = False
        """Whether the status and all headers have arrived."""
        self.is_complete = False
        """Whether all of the body has arrived."""
        self.chunks: deque[bytes] = deque()
        self.buffered = 0


class ServerConnection(asyncio.Protocol):
    """A connection to a server. Only one request at a time is sent over it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._response: ServerResponse | None = None
        self._head_bytes = 0
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_paused = False
        self.has_answered = False
        """Whether anything of the current response has arrived."""
        self.is_reusable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # which uvloop's does not inherit from

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None or response.is_complete:  # nothing was asked for
            self.close()
            return
        self.has_answered = True
        try:
            if not response.has_head:
                room = MAX_HEAD_BYTES - self._head_bytes
                self._head_bytes += len(data)
                self._parser.feed_data(data[:room])
                data = data[room:]
                if self._head_bytes > MAX_HEAD_BYTES and not response.has_head:
                    raise httptools.HttpParserError("The head of the response is too long.")
            if data:
                self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # After the end of a response, it is the bytes that follow which are malformed.
            self._fail(None if response.is_complete else error)
        if response.buffered > _MAX_BUFFERED and self._transport and not self._is_paused:
            self._transport.pause_reading()
            self._is_paused = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        response = self._response
        if response and response.has_head and not response.is_complete and exc is None:
            framing = {"content-length", "transfer-encoding"}
            response.is_complete = not framing & response.headers.keys()
        self._fail(exc)

    # What the parser calls, under its own names.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header; the first of a name counts."""
        if self._response and not self._response.has_head:
            key = name.decode("latin-1").lower()
            self._response.headers.setdefault(key, value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        """Note the end of the headers, unless the real response is still to come."""
        response = self._response
        if response is None or response.has_head:  # a second response, which nothing asked for
            self.is_reusable = False
            return
        status = self._parser.get_status_code()
        if status in _INFORMATIONAL:
            response.headers.clear()
            return
        response.status, response.has_head = status, True
        self.is_reusable = self._parser.should_keep_alive()
        if not response.has_body:  # which the parser cannot know
            response.is_complete = True
            self._parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        response = self._response
        if response is None or response.is_complete:
            self.is_reusable = False
            return
        response.chunks.append(data)
        response.buffered += len(data)

    def on_message_complete(self) -> None:
        """Note the end of the response."""
        if self._response and self._response.has_head:
            self._response.is_complete = True

    async def request(self, head: bytes, *, has_body: bool) -> ServerResponse:
        """Send a request and return the response once its headers have arrived.

        Raises:
            ConnectionBroken, Unresponsive: there is none.
        """
        response = self._response = ServerResponse(has_body=has_body)
        self._head_bytes, self.has_answered = 0, False
        if self._transport is None or self._failure is not None:
            raise ConnectionBroken from self._failure
        self._transport.write(head)
        while not response.has_head:
            await self._progress()
        return response

    async def next_chunk(self) -> bytes:
        """Return the next bytes of the body; none at its end.

        Raises:
            ConnectionBroken, Unresponsive: the rest does not come.
        """
        response = self._response
        assert response
        while not response.chunks:
            if response.is_complete:
                return b""
            await self._progress()
        chunk = response.chunks.popleft()
        response.buffered -= len(chunk)
        if self._is_paused and self._transport and not response.buffered:
            self._transport.resume_reading()
            self._is_paused = False
        return chunk

    @property
    def can_serve(self) -> bool:
        """Whether another request can be sent: the last response is complete, and was read."""
        response = self._response
        is_idle = response is None or (response.is_complete and not self._is_paused)
        return is_idle and self.is_reusable and self._failure is None

    def close(self) -> None:
        """Close the connection at once."""
        self.is_reusable = False
        if self._transport:
            self._transport.abort()

    async def _progress(self) -> None:
        """Wait until something arrives."""
        if self._failure is not None:
            raise ConnectionBroken from self._failure
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()

        def give_up() -> None:
            if not waiter.done():
                waiter.set_exception(Unresponsive())

        alarm = loop.call_later(NO_PROGRESS_SECONDS, give_up)
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _fail(self, error: Exception | None) -> None:
        """Note that nothing more will come, and close the connection."""
        if self._failure is None:
            self._failure = error or ConnectionError("The connection is closed.")
        self.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
