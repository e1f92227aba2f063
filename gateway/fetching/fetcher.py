"""The one place that opens URLs from outside: within rules, a size and a time, and redirects no less than the first."""

import asyncio
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any
from urllib.parse import urldefrag

import httpcore
import httpx

from gateway.errors import ErrorCode
from gateway.fetching.errors import (
    FetchError,
    bad_url_error,
    status_error,
    too_large_error,
    translate_errors,
)
from gateway.fetching.network import GuardedNetwork, Resolve, resolve
from gateway.fetching.rules import FetchRules

MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {"User-Agent": "storegraph", "Accept": "*/*", "Accept-Encoding": "identity"}
_PATIENCE = dict.fromkeys(("connect", "read", "write", "pool"), 15.0)
"""Seconds without a sign of life."""
_WRITTEN_AT_ONCE = 1 << 20
_RANGE = re.compile(r"bytes (?:(\d{1,19})-\d{1,19}|\*)/(\d{1,19}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FetchedRange:
    """Bytes of a file, and how many the whole file has, None if the server does not say; and whether it sends parts."""

    data: bytes
    total: int | None
    is_part: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """What a server answers, whatever it is; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Fetcher:
    """Fetches files within `rules`, of `most` bytes each, in `seconds`; without cookies, proxies and credentials."""

    def __init__(
        self,
        rules: FetchRules,
        *,
        most: int,
        seconds: float,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._rules = rules
        self._most = most
        self._seconds = seconds
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls or _usual_tls(),
            network_backend=GuardedNetwork(rules, resolve),
            max_connections=32,
            keepalive_expiry=5,
            retries=1,
        )

    async def read_range(self, url: str, start: int, stop: int) -> FetchedRange:
        """The bytes of a file from `start` up to, not including, `stop`, as in a slice; raises a `FetchError`."""
        asked = {"Range": f"bytes={start}-{stop - 1}"}
        with translate_errors():
            async with asyncio.timeout(self._seconds), self._answer(url, asked) as response:
                if response.status == 200 and start:
                    raise FetchError(
                        ErrorCode.CONFLICT, "The server does not send parts of the file."
                    )
                total = _total(response, start)
                data = b"" if response.status == 416 else await _beginning(response, stop - start)
        return FetchedRange(data, total, response.status != 200)

    async def request(self, url: str, *, method: str = "GET", most: int = 0) -> FetchedResponse:
        """The answer to one request, redirects and refusals included, with `most` bytes; raises a `FetchError`."""
        with translate_errors():
            async with (
                asyncio.timeout(self._seconds),
                self._sent(self._rules.check_url(url), method, {}) as response,
            ):
                data = await _beginning(response, most + 1)
                if len(data) > most:
                    raise too_large_error(most)
                headers = {
                    key.decode("latin-1").lower(): value.decode("latin-1")
                    for key, value in response.headers
                }
                return FetchedResponse(response.status, headers, data)

    @asynccontextmanager
    async def local_copy(self, url: str) -> AsyncIterator[Path]:
        """A temporary copy of the whole file, while the context lasts; raises a `FetchError`."""
        file = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115  # closed in a thread
        try:
            with translate_errors():
                async with asyncio.timeout(self._seconds), self._answer(url, {}) as response:
                    await self._copy(response, file)
            yield Path(file.name)
        finally:
            await asyncio.shield(asyncio.to_thread(file.close))

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    @asynccontextmanager
    async def _answer(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[httpcore.Response]:
        """The answer of the server at which all redirects end, which has the file or a part of it."""
        place = self._rules.check_url(url)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._sent(place, "GET", headers) as response:
                if response.status not in _REDIRECTS:
                    _check_answer(response, headers)
                    yield response
                    return
                place = self._next(place, _header(response, b"location"))
        raise FetchError(
            ErrorCode.LIMIT_EXCEEDED, f"The server redirects more than {MOST_REDIRECTS} times."
        )

    @asynccontextmanager
    async def _sent(
        self, place: httpx.URL, method: str, headers: Mapping[str, str]
    ) -> AsyncIterator[httpcore.Response]:
        """The answer to one request."""
        sent, patience = [*_HEADERS.items(), *headers.items()], {"timeout": _PATIENCE}
        async with self._pool.stream(
            method, _target(place), headers=sent, extensions=patience
        ) as response:
            yield response

    def _next(self, place: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads, checked like the first URL."""
        try:
            following = self._rules.check_url(str(place.join(urldefrag(location).url)))
        except httpx.InvalidURL:
            raise bad_url_error("The server redirects to what is not a URL.") from None
        if place.scheme == "https" and following.scheme == "http":
            raise bad_url_error("The server redirects from https to http.")
        return following

    async def _copy(self, response: httpcore.Response, file: IO[bytes]) -> None:
        if (_total(response, 0) or 0) > self._most:
            raise too_large_error(self._most)
        size, waiting = 0, bytearray()
        async for chunk in response.aiter_stream():
            size += len(chunk)
            if size > self._most:
                raise too_large_error(self._most)
            waiting += chunk
            if len(waiting) >= _WRITTEN_AT_ONCE:
                await asyncio.to_thread(file.write, waiting)
                waiting = bytearray()
        await asyncio.to_thread(file.write, waiting)
        await asyncio.to_thread(file.flush)


@cache
def _usual_tls() -> ssl.SSLContext:
    """As the web is trusted; reading the certificates of all authorities takes 0.1 s, and is done once."""
    return httpx.create_ssl_context()


def _target(url: httpx.URL) -> httpcore.URL:
    """The same URL in parts, which nobody has to take apart again and understand otherwise."""
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


def _header(response: httpcore.Response, name: bytes) -> str:
    return next(
        (value.decode("latin-1") for key, value in response.headers if key.lower() == name), ""
    )


def _check_answer(response: httpcore.Response, asked: Mapping[str, str]) -> None:
    """Whether it is the file as it is; raises a `FetchError`."""
    if response.status not in ((200, 206, 416) if asked else (200,)):
        raise status_error(response.status)
    if _header(response, b"content-encoding").lower() not in ("", "identity"):
        raise FetchError(ErrorCode.CONFLICT, "The server sends the file compressed only.")


def _total(response: httpcore.Response, start: int) -> int | None:
    """How many bytes the whole file has, if the answer says so; raises a `FetchError` if it is of another part."""
    if response.status == 200:
        length = _header(response, b"content-length")
        return int(length) if length.isdecimal() else None
    found: Any = _RANGE.fullmatch(_header(response, b"content-range"))
    if found is None or (response.status == 206 and found[1] != str(start)):
        raise FetchError(
            ErrorCode.CONFLICT, "The server sends another part of the file than was asked for."
        )
    return int(found[2]) if found[2] != "*" else None


async def _beginning(response: httpcore.Response, count: int) -> bytes:
    """Up to `count` bytes; a server that goes on sending is left."""
    data = bytearray()
    async for chunk in response.aiter_stream():
        data += chunk
        if len(data) >= count:
            break
    return bytes(data[:count])
