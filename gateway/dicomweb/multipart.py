"""Multipart bodies (RFC 2046, 2387): writing parts, and reading those that arrive."""

import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field

MAX_HEADER_BYTES = 16 << 10
"""Bytes of the headers of a part."""
MAX_PREAMBLE_BYTES = 64 << 10
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?\- ]{0,69}[0-9A-Za-z'()+_,./:=?\-]", re.ASCII)
_PADDING = re.compile(rb"[ \t]*(\r\n|--)")
_MAX_PADDING = 64


class MalformedMultipart(ValueError):
    """Raised for a body that is not what its Content-Type says; the message is for the client."""


def new_boundary() -> str:
    """Return a boundary that no content has."""
    return f"storegraph-{os.urandom(16).hex()}"


def part_start(boundary: str, headers: Mapping[str, str]) -> bytes:
    """Return what precedes the content of a part."""
    lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


PART_END = b"\r\n"


def closing(boundary: str) -> bytes:
    """Return what follows the last part."""
    return f"--{boundary}--\r\n".encode()


def check_boundary(boundary: str | None) -> bytes:
    """Return a boundary as bytes.

    Raises:
        MalformedMultipart: there is none, or it is not valid.
    """
    if not boundary or not _BOUNDARY.fullmatch(boundary):
        raise MalformedMultipart("The Content-Type has no valid boundary.")
    return boundary.encode()


@dataclass(slots=True)
class Part:
    """A part whose content is being read; it must be read to its end before the next one.

    Attributes:
        headers: by their names in lower case.
    """

    headers: Mapping[str, str]
    content: AsyncIterator[bytes] = field(repr=False)


class MultipartReader:
    """Reads the parts of a body one after the other, keeping no more than a chunk of it."""

    def __init__(self, chunks: AsyncIterable[bytes], boundary: bytes) -> None:
        self._chunks = aiter(chunks)
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter may be at the very beginning.
        self._buffer = b"\r\n"
        self._is_over = False

    async def parts(self) -> AsyncIterator[Part]:
        """Yield the parts.

        Raises:
            MalformedMultipart: the body ends early, or a part has no readable headers.
        """
        preamble = 0
        async for piece in self._until_delimiter():
            preamble += len(piece)
            if preamble > MAX_PREAMBLE_BYTES:
                raise MalformedMultipart("The body does not begin with its boundary.")
        while not await self.ends_here():
            part = Part(await self.read_headers(), self._until_delimiter())
            yield part
            async for _ in part.content:
                pass

    async def _until_delimiter(self) -> AsyncIterator[bytes]:
        """Yield the bytes up to the next delimiter, which is taken away."""
        keep = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                piece, self._buffer = self._buffer[:-keep], self._buffer[-keep:]
                yield piece
            await self._receive()
        piece = self._buffer[:end]
        self._buffer = self._buffer[end + len(self._delimiter) :]
        if piece:
            yield piece

    async def ends_here(self) -> bool:
        """Return whether the delimiter was the closing one, and read the rest of its line."""
        while not (match := _PADDING.match(self._buffer)):
            if len(self._buffer) > _MAX_PADDING:
                raise MalformedMultipart("A boundary is followed by other characters.")
            await self._receive()
        self._buffer = self._buffer[match.end() :]
        return match[1] == b"--"

    async def read_headers(self) -> Mapping[str, str]:
        """Return the headers of a part."""
        while True:
            if self._buffer.startswith(b"\r\n"):
                end, size = 0, 2  # it has none
                break
            end = self._buffer.find(b"\r\n\r\n")
            if (len(self._buffer) if end < 0 else end) > MAX_HEADER_BYTES:
                raise MalformedMultipart(
                    f"The headers of a part have more than {MAX_HEADER_BYTES:,} bytes."
                )
            if end >= 0:
                size = end + 4
                break
            await self._receive()
        text = self._buffer[:end].decode("latin-1")
        self._buffer = self._buffer[size:]
        headers = {}
        for line in filter(None, text.split("\r\n")):
            name, colon, value = line.partition(":")
            if not colon or not name.strip() or "\n" in line or "\r" in line:
                raise MalformedMultipart("A header of a part is malformed.")
            headers[name.strip().lower()] = value.strip()
        return headers

    async def _receive(self) -> None:
        """Add the next chunk of the body to the buffer."""
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration:
            raise MalformedMultipart("The body ends before its closing boundary.") from None
