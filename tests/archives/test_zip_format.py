"""Archives of stored entries: Python, unzip and bsdtar read what was written, and any part of it."""

import asyncio
import io
import zlib
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.tree_names import UsedNames
from gateway.zips.archives import EntryFailed, SealedArchive
from gateway.zips.index import PAGE, ArchiveIndex
from gateway.zips.records import ArchiveEntry
from tests.archives.zipping import entry, output_of, read, sealed, sealed_bytes, streamed_bytes

GIB, SPARSE = 1 << 30, 64 << 20
_files = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40), st.integers(0, 2**32)), max_size=12)


def contents(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive as Python reads them, with their checksums checked."""
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def entries_of(files: list[tuple[str, bytes, int]], *, is_known: bool = True) -> list[ArchiveEntry]:
    """Return entries with safe names."""
    names = UsedNames()
    return [entry(names.add(name), data, is_known=is_known, modified=time) for name, data, time in files]


@given(_files)
@settings(deadline=None, max_examples=80, derandomize=True)
def test_python_reads_what_was_written(files: list[tuple[str, bytes, int]]) -> None:
    known = entries_of(files)
    expected = {each.name: each.source.encode("latin-1") for each in known}
    assert contents(asyncio.run(sealed_bytes(known))) == expected
    unknown, failed = asyncio.run(streamed_bytes(entries_of(files, is_known=False)))
    assert (contents(unknown), failed) == (expected, [])


@given(_files, st.data())
@settings(deadline=None, max_examples=80, derandomize=True)
def test_every_range_is_a_part_of_the_whole(files: list[tuple[str, bytes, int]], data: st.DataObject) -> None:
    async def check() -> None:
        async with sealed(entries_of(files)) as (_, archive):
            whole = b"".join([chunk async for chunk in archive.content(0, archive.length, read)])
            for _ in range(8):
                start = data.draw(st.integers(0, archive.length))
                stop = data.draw(st.integers(start, archive.length))
                part = b"".join([chunk async for chunk in archive.content(start, stop, read)])
                assert part == whole[start:stop]

    asyncio.run(check())


async def test_parts_of_many_pages_need_no_bytes_before_them() -> None:
    entries = [entry(f"{number:04}", bytes([number % 256]) * (number % 50)) for number in range(3 * PAGE + 5)]
    whole = await sealed_bytes(entries)
    asked: list[str] = []

    async def noting(each: ArchiveEntry, start: int):  # type: ignore[no-untyped-def]
        asked.append(each.name)
        async for chunk in read(each, start):
            yield chunk

    async with sealed(entries) as (_, archive):
        for start in range(0, archive.length, archive.length // 40):
            asked.clear()
            part = b"".join([chunk async for chunk in archive.content(start, start + 300, noting)])
            assert part == whole[start : start + 300]
            assert len(asked) < 30


@pytest.mark.parametrize("command", [["unzip", "-q", "-o"], ["bsdtar", "-xf"]])
@pytest.mark.parametrize("is_known", [True, False])
async def test_other_programs_unpack_it(command: list[str], is_known: bool, tmp_path: Path) -> None:
    files = {"a/ä ö.txt": b"text" * 1000, "a/empty": b"", "日本語.bin": bytes(range(256)) * 9}
    entries = [entry("a/", b""), *(entry(name, data, is_known=is_known) for name, data in files.items())]
    data = await sealed_bytes(entries) if is_known else (await streamed_bytes(entries))[0]
    path = tmp_path / "archive.zip"
    path.write_bytes(data)
    output_of("unzip", "-tq", path)
    output_of(*command, path, cwd=tmp_path)
    for name, content in files.items():
        assert (tmp_path / name).read_bytes() == content
        assert int((tmp_path / name).stat().st_mtime) == 1_700_000_001


async def test_more_than_65535_entries(tmp_path: Path) -> None:
    entries = [entry(f"{number // 1000}/{number}", b"x") for number in range(65_536 + 10)]
    path = tmp_path / "archive.zip"
    path.write_bytes(await sealed_bytes(entries))
    with ZipFile(path) as archive:
        assert len(archive.infolist()) == len(entries)
        assert archive.read("65/65545") == b"x"
    output_of("unzip", "-tq", path)
    assert output_of("bsdtar", "-tf", path).count(b"\n") == len(entries)


async def test_more_than_four_gibibytes(tmp_path: Path) -> None:
    """The bytes of the huge file are zeros, which take no room on disk."""
    hole = 4 * GIB + SPARSE
    zeros = bytes(SPARSE)
    huge = ArchiveEntry("huge", hole, crc32_of_zeros(hole), 1_700_000_001, "")
    entries = [entry("before", b"1"), huge, entry("after", b"2")]

    async def parts(each: ArchiveEntry, position: int):  # type: ignore[no-untyped-def]
        if each.name != "huge":
            async for chunk in read(each, position):
                yield chunk
        for _ in range(position, each.size or 0, SPARSE) if each.name == "huge" else ():
            yield zeros

    path = tmp_path / "archive.zip"
    async with sealed(entries) as (_, archive):
        with path.open("wb") as file:
            async for chunk in archive.content(0, archive.length, parts):
                if chunk == zeros:
                    file.seek(SPARSE, io.SEEK_CUR)
                else:
                    file.write(chunk)
        # A part behind the zeros needs none of them.
        end = b"".join([c async for c in archive.content(archive.length - 300, archive.length, read)])
    assert path.stat().st_size == archive.length
    with path.open("rb") as whole:
        whole.seek(-300, io.SEEK_END)
        assert whole.read() == end
    with ZipFile(path) as opened:
        assert [(info.filename, info.file_size) for info in opened.infolist()][1] == ("huge", hole)
        assert opened.read("after") == b"2"
    for command in (("unzip", "-p"), ("bsdtar", "-xOf")):
        assert output_of(*command, path, "after") == b"2"


def crc32_of_zeros(count: int) -> int:
    """Return the checksum of so many zero bytes."""
    block, value = bytes(SPARSE), 0
    while count:
        value = zlib.crc32(block[: min(count, len(block))], value)
        count -= min(count, len(block))
    return value


async def test_failures_are_left_out_or_do_not_match() -> None:
    gone = entry("gone", b"1234", is_known=False)._replace(source=None)
    short = entry("short", b"x" * 20, is_known=False)._replace(size=25)
    report = entry("ERRORS.txt", b"what failed")
    data, failed = await streamed_bytes([gone, entry("good", b"1"), short], report)
    assert failed == [
        ("gone", "it is gone"),
        ("short", "incomplete: the file ends after 20 of 25 bytes"),
    ]
    with ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["good", "short", "ERRORS.txt"]
        assert archive.read("good") == b"1"
        assert archive.testzip() == "short"


async def test_a_sealed_archive_breaks_off() -> None:
    short = entry("short", b"x" * 20)._replace(size=25)
    with pytest.raises(EntryFailed, match="ends after 20 of 25 bytes"):
        await sealed_bytes([short])
    with pytest.raises(EntryFailed):
        await streamed_bytes([short])


async def test_an_empty_archive_is_one() -> None:
    data = await sealed_bytes([])
    assert contents(data) == {}
    assert len(data) == 22


async def test_the_digest_tells_archives_apart() -> None:
    async def digest(*entries: ArchiveEntry) -> str:
        async with sealed(entries) as (index, _):
            return index.digest

    same = await digest(entry("a", b"1")), await digest(entry("a", b"1"))
    assert same[0] == same[1]
    others = [await digest(entry("a", b"2")), await digest(entry("b", b"1")), await digest()]
    assert len({same[0], *others}) == 4


async def test_memory_does_not_grow_with_the_entries() -> None:
    with ArchiveIndex() as index:
        for number in range(20 * PAGE):
            await index.append(entry(f"{number}", b""))
        await index.flush()
        assert len(index.pages) == 20
        assert SealedArchive(index).length > 0
