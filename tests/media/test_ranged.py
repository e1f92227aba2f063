"""Remote files yield the same facts as local ones, from the ranges that are read."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.kinds.item_kinds import StorageItemType as Kind
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.ranged import BLOCK_SIZE, MAX_BLOCKS_PER_FETCH, MAX_CACHED_BLOCKS, RangedFile
from gateway.sandbox.prober import ProbeLimits, Prober

FILES: dict[str, tuple[Kind, Callable[[], bytes]]] = {
    "film.mp4": (Kind.VIDEO, samples.mp4),
    "film.webm": (Kind.VIDEO, samples.webm),
    "sound.mp3": (Kind.AUDIO, samples.mp3),
    "picture.png": (Kind.IMAGE, samples.png),
    "slice.dcm": (Kind.DICOM_FILE, samples.dicom_file),
    "volume.nii.gz": (Kind.NIFTI, samples.nifti),
    "volume.nii": (Kind.NIFTI, lambda: samples.nifti(gz=False)),
    "paper.pdf": (Kind.PDF, samples.pdf),
    "words.txt": (Kind.PLAIN_TEXT, samples.text),
}


class RemoteBytes:
    """A remote file; `requested` lists the ranges that were read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.requested: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return len(self._data)

    async def read(self, start: int, stop: int) -> bytes:
        """Return a range."""
        self.requested.append((start, stop))
        return self._data[start:stop]


class VanishingFile(RemoteBytes):
    """A remote file that is gone after its first range."""

    async def read(self, start: int, stop: int) -> bytes:
        """Return the first range; fail for the others."""
        if start:
            raise ConnectionError("it is gone")
        return await super().read(start, stop)


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    prober = Prober(ProbeLimits(children=1))
    yield prober
    await prober.close()


async def test_remote_files_of_all_kinds_have_the_facts_of_local_ones(prober: Prober, tmp_path: Path) -> None:
    for name, (kind, make) in FILES.items():
        (tmp_path / name).write_bytes(make())
        here = await prober.probe(tmp_path / name, kind, name)
        there = await prober.probe(RemoteBytes(make()), kind, name)
        assert there.sha256 is None
        assert there == type(here)(
            **{**{f: getattr(here, f) for f in here.__slots__}, "sha256": None, "crc32": None}
        ), name


async def test_errors_of_remote_files_are_those_of_local_ones(prober: Prober) -> None:
    with pytest.raises(MediaError, match="expected an image, but the content is text/plain"):
        await prober.probe(RemoteBytes(b"words"), Kind.IMAGE, "words.png")
    with pytest.raises(MediaError, match="truncated"):
        await prober.probe(RemoteBytes(samples.png()[:-20]), Kind.IMAGE, "cut.png")


async def test_a_file_that_vanishes_fails_alone(prober: Prober) -> None:
    with pytest.raises(ConnectionError, match="it is gone"):
        await prober.probe(VanishingFile(b"words " * BLOCK_SIZE), Kind.PLAIN_TEXT, "lost.txt")
    assert (await prober.probe(RemoteBytes(samples.png()), Kind.IMAGE, "next.png")).width


def test_a_remote_file_reads_like_a_local_one(tmp_path: Path) -> None:
    """Every seek and read returns the right bytes; blocks are fetched in growing runs, and few are cached."""
    data = os.urandom(70 * BLOCK_SIZE + 17)
    (tmp_path / "file").write_bytes(data)
    requested: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        requested.append((start, stop))
        return data[start:stop]

    far = RangedFile(len(data), fetch)
    with far.open("rb") as file, (tmp_path / "file").open("rb") as near:
        for position in (0, 5, BLOCK_SIZE - 3, 40 * BLOCK_SIZE + 1, len(data) - 9, len(data), len(data) + 5):
            assert file.seek(position) == near.seek(position)
            assert file.read(10) == near.read(10)
        assert file.seek(-20, 2) == near.seek(-20, 2)
        assert file.read() == near.read()
        with pytest.raises(OSError, match="before the start"):
            file.seek(-1)
    requested.clear()
    with RangedFile(len(data), fetch).open("rb") as file:
        assert file.read() == data
    assert [(stop - start - 1) // BLOCK_SIZE + 1 for start, stop in requested[:5]] == [1, 2, 4, 8, MAX_BLOCKS_PER_FETCH]
    assert len(requested) < MAX_CACHED_BLOCKS / 2


@pytest.mark.parametrize("size", [1, 20, BLOCK_SIZE, BLOCK_SIZE + 1])
def test_a_short_remote_file_reads_like_a_local_one(tmp_path: Path, size: int) -> None:
    """A file of a single block is read from memory, and refuses the same positions as one on a disk."""
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    far = RangedFile(size, lambda start, stop: data[start:stop], data[:BLOCK_SIZE])
    with far.open("rb") as file, (tmp_path / "file").open("rb") as near:
        for move in ((0, 0), (size, 0), (size + 5, 0), (-1, 2), (-size, 2), (0, 1), (3, 1), (-2, 1)):
            assert outcome(file, *move) == outcome(near, *move), move
        for move in ((-1, 0), (-size - 1, 2), (-size - 10, 1)):
            assert outcome(file, *move) == outcome(near, *move) == "refused", move


def outcome(file: BinaryIO, offset: int, whence: int) -> tuple[int, bytes] | str:
    """Return the position after a move and what is read there, or that the file refuses it."""
    try:
        return file.seek(offset, whence), file.read(4)
    except OSError:
        return "refused"
