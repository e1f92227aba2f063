"""A file elsewhere that is read in parts, so that it need not be copied."""

from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher

FIRST = 256 << 10
"""Bytes with which it begins: whoever reads a file begins there."""


class RemoteFile:
    """A file at a URL; in all, `most` bytes are read of it."""

    def __init__(self, fetcher: Fetcher, url: str, most: int, size: int, first: bytes) -> None:
        self.size = size
        self._fetcher = fetcher
        self._url = url
        self._first = first
        self._most = most
        self._left = most - len(first)

    @classmethod
    async def open(cls, fetcher: Fetcher, url: str, most: int) -> "RemoteFile | None":
        """The file, None if its server does not send parts; raises a `FetchError`."""
        span = await fetcher.read_range(url, 0, FIRST)
        return (
            cls(fetcher, url, most, span.total, span.data)
            if span.is_part and span.total is not None
            else None
        )

    async def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` up to, not including, `stop`, as in a slice; raises a `FetchError`."""
        if stop <= len(self._first):
            return self._first[start:stop]
        self._left -= stop - start
        if self._left < 0:
            said = f"Reading the file takes more than the {self._most:,} bytes that may be fetched."
            raise FetchError(ErrorCode.LIMIT_EXCEEDED, said)
        span = await self._fetcher.read_range(self._url, start, stop)
        if (len(span.data), span.total) != (min(stop, self.size) - start, self.size):
            raise FetchError(ErrorCode.UNAVAILABLE, "The file changed while it was read.")
        return span.data
