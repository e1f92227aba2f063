"""The only code that opens URLs from outside, with limits on targets, size, time and redirects."""

import asyncio
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import urldefrag

import httpcore
import httpx

from gateway.errors import ErrorCode
from gateway.fetching.errors import (
    FetchError,
    archived_error,
    bad_url_error,
    status_error,
    too_large_error,
    translate_errors,
)
from gateway.fetching.network import GuardedNetwork, Resolve, resolve
from gateway.fetching.rules import FetchRules
from gateway.telemetry.metrics import CALLS_UNDERWAY

MAX_REDIRECTS = 5
_REDIRECT_STATUSES = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "storegraph", "Accept": "*/*", "Accept-Encoding": "identity"}
_TIMEOUTS = dict.fromkeys(("connect", "read", "write", "pool"), 15.0)
"""Seconds without progress."""
_WRITE_BYTES = 1 << 20
_ERROR_BYTES = 4096
"""Bytes of an error response that are looked at."""
_ARCHIVED_MARKS = (b"<Code>InvalidObjectState</Code>", b"<Code>BlobArchived</Code>")
"""Errors of S3 and Azure for objects that must be restored before they can be read."""
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
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or _default_tls(),
            network_backend=GuardedNetwork(rules, resolve),
            max_connections=32,
            keepalive_expiry=5,
            retries=1,
        )

    async def read_range(self, url: str, start: int, stop: int) -> FetchedRange:
        """Return the bytes of a file from `start` up to, not including, `stop`."""
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        with translate_errors():
            async with asyncio.timeout(self._seconds), self._get(url, headers) as response:
                if response.status == 200 and start:
                    message = "The server does not support range requests."
                    raise FetchError(ErrorCode.CONFLICT, message)
                total = _total_size(response, start)
                data = b"" if response.status == 416 else await _read_up_to(response, stop - start)
        return FetchedRange(
            data,
            total,
            is_part=response.status != 200,
            content_type=_header(response, b"content-type"),
            last_modified=parse_http_date(_header(response, b"last-modified")),
        )

    async def request(
        self, url: str, *, method: str = "GET", max_bytes: int = 0
    ) -> FetchedResponse:
        """Send one request and return its response, whatever its status; redirects too.

        Raises a `FetchError` for a body of more than `max_bytes`.
        """
        checked = self._rules.check_url(url)
        with translate_errors():
            async with asyncio.timeout(self._seconds), self._send(checked, method, {}) as response:
                data = await _read_up_to(response, max_bytes + 1)
                if len(data) > max_bytes:
                    raise too_large_error(max_bytes)
                headers = {
                    key.decode("latin-1").lower(): value.decode("latin-1")
                    for key, value in response.headers
                }
                return FetchedResponse(response.status, headers, data)

    @asynccontextmanager
    async def local_copy(self, url: str) -> AsyncIterator[Path]:
        """Yield a temporary copy of the whole file."""
        # Closed below, in a thread.
        file = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115
        try:
            with translate_errors(), CALLS_UNDERWAY.one_more("fetch"):
                async with asyncio.timeout(self._seconds), self._get(url, {}) as response:
                    await self._copy_body(response, file)
            yield Path(file.name)
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    @asynccontextmanager
    async def _get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[httpcore.Response]:
        """Follow redirects to the response that has the file, or a part of it.

        The target of each redirect is checked like the first URL.
        """
        current = self._rules.check_url(url)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._send(current, "GET", headers) as response:
                if response.status not in _REDIRECT_STATUSES:
                    if response.status not in ((200, 206, 416) if headers else (200,)):
                        body = await _read_up_to(response, _ERROR_BYTES)
                        if any(mark in body for mark in _ARCHIVED_MARKS):
                            raise archived_error()
                        raise status_error(response.status)
                    if _header(response, b"content-encoding").lower() not in ("", "identity"):
                        message = "The server sent the file compressed, which is not supported."
                        raise FetchError(ErrorCode.CONFLICT, message)
                    yield response
                    return
                location = urldefrag(_header(response, b"location")).url
                try:
                    target = self._rules.check_url(str(current.join(location)))
                except httpx.InvalidURL:
                    raise bad_url_error("The server redirected to an invalid URL.") from None
                if current.scheme == "https" and target.scheme == "http":
                    raise bad_url_error("The server redirected from https to http.")
                current = target
        raise FetchError(
            ErrorCode.LIMIT_EXCEEDED, f"The server redirected more than {MAX_REDIRECTS} times."
        )

    @asynccontextmanager
    async def _send(
        self, url: httpx.URL, method: str, headers: Mapping[str, str]
    ) -> AsyncIterator[httpcore.Response]:
        # Passed in parts: were the URL parsed a second time, the host might come out differently.
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        fields = [*_HEADERS.items(), *headers.items()]
        extensions = {"timeout": _TIMEOUTS}
        async with self._pool.stream(
            method, target, headers=fields, extensions=extensions
        ) as response:
            yield response

    async def _copy_body(self, response: httpcore.Response, file: IO[bytes]) -> None:
        """Write the body to a file in large blocks, each in a thread."""
        if (_total_size(response, 0) or 0) > self._max_bytes:
            raise too_large_error(self._max_bytes)
        size, block = 0, bytearray()
        async for chunk in response.aiter_stream():
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


def _header(response: httpcore.Response, name: bytes) -> str:
    return next(
        (value.decode("latin-1") for key, value in response.headers if key.lower() == name), ""
    )


def parse_http_date(text: str | None) -> datetime | None:
    """Return the time of a header in UTC; None if it is missing or malformed."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _total_size(response: httpcore.Response, start: int) -> int | None:
    """Return the size of the whole file if the response says so.

    Raises a `FetchError` if the response is a range that does not begin at `start`.
    """
    if response.status == 200:
        length = _header(response, b"content-length")
        return int(length) if length.isdecimal() else None
    match = _CONTENT_RANGE.fullmatch(_header(response, b"content-range"))
    if match is None or (response.status == 206 and match[1] != str(start)):
        message = "The server returned a different range than requested."
        raise FetchError(ErrorCode.CONFLICT, message)
    return int(match[2]) if match[2] != "*" else None


async def _read_up_to(response: httpcore.Response, count: int) -> bytes:
    """Return the first `count` bytes of the body and ignore the rest."""
    data = bytearray()
    async for chunk in response.aiter_stream():
        data += chunk
        if len(data) >= count:
            break
    return bytes(data[:count])
