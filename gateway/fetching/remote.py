"""Random access to a file at a URL by range requests, so that it need not be copied."""

from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import FetchedRange, Fetcher

HEAD_BYTES = 256 << 10
"""Bytes of the first request; every reader begins with them."""


class RemoteFile:
    """A file at a URL; all reads together may fetch at most `max_bytes`.

    `head` is what was read first; `content_type` and `last_modified` are what the server says.
    """

    def __init__(
        self, fetcher: Fetcher, url: str, max_bytes: int, size: int, start: FetchedRange
    ) -> None:
        self.size = size
        self.content_type = start.content_type
        self.last_modified = start.last_modified
        self._fetcher = fetcher
        self._url = url
        self.head = head = start.data
        self._max_bytes = max_bytes
        self._remaining = max_bytes - len(head)

    @classmethod
    async def open(cls, fetcher: Fetcher, url: str, max_bytes: int) -> "RemoteFile | None":
        """Open the file; None if its server does not support range requests."""
        head = await fetcher.read_range(url, 0, HEAD_BYTES)
        if not head.is_part or head.total is None:
            return None
        return cls(fetcher, url, max_bytes, head.total, head)

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; raises a `FetchError`."""
        if stop <= len(self.head):
            return self.head[start:stop]
        self._remaining -= stop - start
        if self._remaining < 0:
            message = f"Reading the file exceeds the fetch limit of {self._max_bytes:,} bytes."
            raise FetchError(ErrorCode.LIMIT_EXCEEDED, message)
        fetched = await self._fetcher.read_range(self._url, start, stop)
        if (len(fetched.data), fetched.total) != (min(stop, self.size) - start, self.size):
            message = "The file changed while it was being read."
            raise FetchError(ErrorCode.UNAVAILABLE, message)
        return fetched.data
