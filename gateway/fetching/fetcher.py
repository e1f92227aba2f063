"""The only code that opens URLs from outside, with limits on targets, size, time and redirects."""

import asyncio
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import IO
from urllib.parse import urldefrag

import httpx

from gateway.errors import ErrorCode
from gateway.fetching.connection import ServerConnection, ServerResponse
from gateway.fetching.errors import (
    FetchError,
    archived_error,
    bad_url_error,
    status_error,
    too_large_error,
    translate_errors,
)
from gateway.fetching.network import GuardedNetwork, Resolve, resolve
from gateway.fetching.pool import ConnectionPool, Origin
from gateway.fetching.rules import MAX_URL_LENGTH, FetchRules, host_of, port_of
from gateway.telemetry.metrics import CALLS_UNDERWAY

MAX_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_HEADERS = "User-Agent: storegraph\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
_WRITE_BYTES = 1 << 20
_ERROR_BYTES = 4096
"""Bytes of an error response that are looked at."""
_ARCHIVED_MARKS = (b"<Code>InvalidObjectState</Code>", b"<Code>BlobArchived</Code>")
"""Errors of S3 and Azure for objects that must be restored before they can be read."""
_PLAIN_URL = re.compile(
    r"(https?://[a-z0-9.-]+(?::[0-9]{1,5})?)((?:/(?!\.)(?:[\w!$'()*+,;=:@&?.~-]|%[0-9A-Fa-f]{2})*)+)",
    re.ASCII,
)
"""Server and path of a URL whose path is sent exactly as it is written."""
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,19})-\d{1,19}|\*)/(\d{1,19}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FetchedRange:
    """Bytes of a file.

    `total` is the size of the whole file, None if the server does not say. `is_part` is false if
    the server ignored the requested range. `content_type` and `last_modified` are what the server
    says of the file, if it does.
    """

    data: bytes
    total: int | None
    is_part: bool = field(default=True, compare=False)
    content_type: str = field(default="", compare=False)
    last_modified: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """A response with any status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


@dataclass(frozen=True, slots=True)
class _Target:
    """A checked URL in the parts in which it is sent.

    Were the URL parsed a second time, the host might come out differently.
    """

    origin: Origin
    host: str
    path: str

    @classmethod
    def at(cls, url: httpx.URL) -> "_Target":
        """Return the target of a checked URL."""
        origin = Origin(host_of(url), port_of(url), url.scheme == "https")
        return cls(origin, url.netloc.decode("ascii"), url.raw_path.decode("ascii"))


class Fetcher:
    """HTTP client for URLs from outside, without cookies, proxies or credentials.

    A request that breaks the `rules`, takes longer than `seconds`, or gives a file of more than
    `max_bytes`, raises a `FetchError`, as does every failure of the server.
    """

    def __init__(
        self,
        rules: FetchRules,
        *,
        max_bytes: int,
        seconds: float,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._rules = rules
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._server = lru_cache(lambda text: _Target.at(rules.check_url(text)))
        self._pool = ConnectionPool(GuardedNetwork(rules, tls or _default_tls(), resolve))

    async def read_range(self, url: str, start: int, stop: int) -> FetchedRange:
        """Return the bytes of a file from `start` up to, not including, `stop`."""
        span = f"bytes={start}-{stop - 1}"
        with translate_errors():
            async with asyncio.timeout(self._seconds), self._get(url, span) as sent:
                response, connection = sent
                if response.status == 200 and start:
                    message = "The server does not support range requests."
                    raise FetchError(ErrorCode.CONFLICT, message)
                total = _total_size(response, start)
                data = (
                    b"" if response.status == 416 else await _read_up_to(connection, stop - start)
                )
        return FetchedRange(
            data,
            total,
            is_part=response.status != 200,
            content_type=response.headers.get("content-type", ""),
            last_modified=parse_http_date(response.headers.get("last-modified")),
        )

    async def request(
        self, url: str, *, method: str = "GET", max_bytes: int = 0
    ) -> FetchedResponse:
        """Send one request and return its response, whatever its status; redirects too.

        Raises a `FetchError` for a body of more than `max_bytes`.
        """
        checked = self._check(url)
        with translate_errors():
            async with asyncio.timeout(self._seconds), self._send(checked, method) as sent:
                response, connection = sent
                data = await _read_up_to(connection, max_bytes + 1)
                if len(data) > max_bytes:
                    raise too_large_error(max_bytes)
                return FetchedResponse(response.status, response.headers, data)

    @asynccontextmanager
    async def local_copy(self, url: str) -> AsyncIterator[Path]:
        """Yield a temporary copy of the whole file."""
        # Closed below, in a thread.
        file = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115
        try:
            with translate_errors(), CALLS_UNDERWAY.one_more("fetch"):
                async with asyncio.timeout(self._seconds), self._get(url) as sent:
                    await self._copy_body(*sent, file)
            yield Path(file.name)
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def _get(
        self, url: str, span: str | None = None
    ) -> AsyncIterator[tuple[ServerResponse, ServerConnection]]:
        """Follow redirects to the response that has the file, or a part of it.

        The target of each redirect is checked like the first URL.
        """
        current = self._check(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._send(current, "GET", span) as (response, connection):
                if response.status not in _REDIRECT_STATUSES:
                    if response.status not in ((200, 206, 416) if span else (200,)):
                        body = await _read_up_to(connection, _ERROR_BYTES)
                        if any(mark in body for mark in _ARCHIVED_MARKS):
                            raise archived_error()
                        raise status_error(response.status)
                    encoding = response.headers.get("content-encoding", "")
                    if encoding.lower() not in ("", "identity"):
                        message = "The server sent the file compressed, which is not supported."
                        raise FetchError(ErrorCode.CONFLICT, message)
                    yield response, connection
                    return
                location = urldefrag(response.headers.get("location", "")).url
                try:
                    url = str(httpx.URL(url).join(location))
                except httpx.InvalidURL:
                    raise bad_url_error("The server redirected to an invalid URL.") from None
                target = self._check(url)
                if current.origin.is_secure and not target.origin.is_secure:
                    raise bad_url_error("The server redirected from https to http.")
                current = target
        raise FetchError(
            ErrorCode.LIMIT_EXCEEDED, f"The server redirected more than {MAX_REDIRECTS} times."
        )

    def _check(self, url: str) -> _Target:
        """Return the target of a URL, of which servers are checked once; see `check_url`."""
        plain = _PLAIN_URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
        if plain is None:
            return _Target.at(self._rules.check_url(url))
        server = self._server(plain[1])
        return _Target(server.origin, server.host, plain[2])

    def _send(
        self, target: _Target, method: str, span: str | None = None
    ) -> AbstractAsyncContextManager[tuple[ServerResponse, ServerConnection]]:
        """Send one request; `span` is the range of the file that it asks for."""
        ranges = f"Range: {span}\r\n" if span else ""
        head = f"{method} {target.path} HTTP/1.1\r\nHost: {target.host}\r\n{_HEADERS}{ranges}\r\n"
        return self._pool.send(target.origin, head.encode("ascii"), has_body=method != "HEAD")

    async def _copy_body(
        self, response: ServerResponse, connection: ServerConnection, file: IO[bytes]
    ) -> None:
        """Write the body to a file in large blocks, each in a thread."""
        if (_total_size(response, 0) or 0) > self._max_bytes:
            raise too_large_error(self._max_bytes)
        size, block = 0, bytearray()
        while chunk := await connection.next_chunk():
            size += len(chunk)
            if size > self._max_bytes:
                raise too_large_error(self._max_bytes)
            block += chunk
            if len(block) >= _WRITE_BYTES:
                await asyncio.to_thread(file.write, block)
                block = bytearray()
        await asyncio.to_thread(file.write, block)
        await asyncio.to_thread(file.flush)


@cache
def _default_tls() -> ssl.SSLContext:
    """Return the usual trust settings; loading all certificates takes 0.1 s and is done once."""
    return httpx.create_ssl_context()


@lru_cache(maxsize=1000)
def parse_http_date(text: str | None) -> datetime | None:
    """Return the time of a header in UTC; None if it is missing or malformed."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _total_size(response: ServerResponse, start: int) -> int | None:
    """Return the size of the whole file if the response says so.

    Raises a `FetchError` if the response is a range that does not begin at `start`.
    """
    if response.status == 200:
        length = response.headers.get("content-length", "")
        return int(length) if length.isdecimal() else None
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if match is None or (response.status == 206 and match[1] != str(start)):
        message = "The server returned a different range than requested."
        raise FetchError(ErrorCode.CONFLICT, message)
    return int(match[2]) if match[2] != "*" else None


async def _read_up_to(connection: ServerConnection, count: int) -> bytes:
    """Return the first `count` bytes of the body and ignore the rest."""
    data = bytearray()
    while len(data) < count and (chunk := await connection.next_chunk()):
        data += chunk
    return bytes(data[:count])
