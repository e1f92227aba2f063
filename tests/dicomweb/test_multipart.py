"""Multipart bodies arrive in any chunks, and hostile ones cost little."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dicomweb.multipart import (
    MAX_HEADER_BYTES,
    PART_END,
    MalformedMultipart,
    MultipartReader,
    check_boundary,
    closing,
    part_start,
)

Parts = list[tuple[dict[str, str], bytes]]


async def arriving(body: bytes, sizes: Sequence[int]) -> AsyncIterator[bytes]:
    """Yield a body in chunks of these sizes, then the rest."""
    for size in sizes:
        yield body[:size]
        body = body[size:]
    yield body


async def read(chunks: AsyncIterator[bytes], boundary: bytes = b"b") -> Parts:
    """Return the parts of a body."""
    return [
        (dict(part.headers), b"".join([piece async for piece in part.content]))
        async for part in MultipartReader(chunks, boundary).parts()
    ]


def written(parts: Parts, boundary: str = "b") -> bytes:
    """Return a body with these parts."""
    pieces = [part_start(boundary, headers) + content + PART_END for headers, content in parts]
    return b"".join(pieces) + closing(boundary)


CONTENT = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"b", b"\r\n--", b"\0", b"x" * 50])).map(b"".join)


@given(
    st.lists(CONTENT.filter(lambda content: b"\r\n--b" not in b"\r\n" + content), max_size=4),
    st.lists(st.integers(0, 40), max_size=20),
)
def test_parts_are_read_as_written(contents: list[bytes], sizes: list[int]) -> None:
    parts: Parts = [({"content-type": "application/dicom", "x": "1"}, content) for content in contents]
    assert asyncio.run(read(arriving(written(parts), sizes))) == parts


def test_what_precedes_and_follows_the_parts_is_ignored() -> None:
    body = b"preamble\r\n--b \t\r\n\r\ncontent\r\n--b--\r\nepilogue"
    assert asyncio.run(read(arriving(body, [1] * 20))) == [({}, b"content")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n\r\nno end",
        b"--b\r\nno colon\r\n\r\n\r\n--b--",
        b"--b\r\na: 1\rb: 2\r\n\r\n\r\n--b--",
        b"--b junk\r\n\r\n\r\n--b--",
        b"--b" + b" " * 1000,
        b"--b\r\na: " + b"x" * (MAX_HEADER_BYTES + 1) + b"\r\n\r\n\r\n--b--",
        b"x" * 200_000 + b"\r\n--b--",
        b"--b\r\n\r\ncontent\r\n--bc--",
    ],
)
def test_malformed_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(MalformedMultipart):
        asyncio.run(read(arriving(body, [7] * 10)))


def test_headers_without_end_are_not_kept() -> None:
    """The reader stops once a part's headers are too long, whatever the client goes on to send."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"--b\r\n"
        while True:
            sent += 1
            yield b"a: " + b"x" * 1000

    with pytest.raises(MalformedMultipart, match="headers"):
        asyncio.run(read(endless()))
    assert sent < 30


def test_a_long_part_is_not_kept_in_memory() -> None:
    async def long() -> AsyncIterator[bytes]:
        yield b"--b\r\n\r\n"
        for _ in range(100):
            yield b"x" * 10_000
        yield b"\r\n--b--"

    async def largest() -> int:
        reader = MultipartReader(long(), b"b")
        return max([len(piece) async for part in reader.parts() async for piece in part.content])

    assert asyncio.run(largest()) < 20_000


@pytest.mark.parametrize("boundary", [None, "", "a" * 71, "ends with space ", "b\r\n", "ü", 'quote"'])
def test_boundaries(boundary: str | None) -> None:
    assert check_boundary("=_Part:7/x") == b"=_Part:7/x"
    with pytest.raises(MalformedMultipart):
        check_boundary(boundary)
