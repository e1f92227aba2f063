"""Files that lie elsewhere are probed as they would be here, from the parts that are looked at."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

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


class Far:
    """A file that lies elsewhere; `asked` says which parts were read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.asked: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """How long it is."""
        return len(self._data)

    async def read(self, start: int, stop: int) -> bytes:
        """A part of it."""
        self.asked.append((start, stop))
        return self._data[start:stop]


class Lost(Far):
    """A file that is gone after its first part."""

    async def read(self, start: int, stop: int) -> bytes:
        """Its first part."""
        if start:
            raise ConnectionError("it is gone")
        return await super().read(start, stop)


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    prober = Prober(ProbeLimits(children=1))
    yield prober
    await prober.close()


async def test_all_kinds_have_the_facts_that_they_have_here(prober: Prober, tmp_path: Path) -> None:
    for name, (kind, make) in FILES.items():
        (tmp_path / name).write_bytes(make())
        here = await prober.probe(tmp_path / name, kind, name)
        there = await prober.probe(Far(make()), kind, name)
        assert there.sha256 is None
        assert there == type(here)(**{**{f: getattr(here, f) for f in here.__slots__}, "sha256": None}), name


async def test_what_is_wrong_is_said_all_the_same(prober: Prober) -> None:
    with pytest.raises(MediaError, match="expected an image, but the content is text/plain"):
        await prober.probe(Far(b"words"), Kind.IMAGE, "words.png")
    with pytest.raises(MediaError, match="truncated"):
        await prober.probe(Far(samples.png()[:-20]), Kind.IMAGE, "cut.png")


async def test_a_file_that_vanishes_costs_only_itself(prober: Prober) -> None:
    with pytest.raises(ConnectionError, match="it is gone"):
        await prober.probe(Lost(b"words " * BLOCK_SIZE), Kind.PLAIN_TEXT, "lost.txt")
    assert (await prober.probe(Far(samples.png()), Kind.IMAGE, "next.png")).width


def test_it_reads_like_a_file(tmp_path: Path) -> None:
    """Wherever somebody looks, he sees what is there; blocks come in ever longer rows, and few are kept."""
    data = os.urandom(70 * BLOCK_SIZE + 17)
    (tmp_path / "file").write_bytes(data)
    asked: list[tuple[int, int]] = []

    def fetch(start: int, stop: int) -> bytes:
        asked.append((start, stop))
        return data[start:stop]

    far = RangedFile(len(data), fetch)
    with far.open("rb") as file, (tmp_path / "file").open("rb") as near:
        for place in (0, 5, BLOCK_SIZE - 3, 40 * BLOCK_SIZE + 1, len(data) - 9, len(data), len(data) + 5):
            assert file.seek(place) == near.seek(place)
            assert file.read(10) == near.read(10)
        assert file.seek(-20, 2) == near.seek(-20, 2)
        assert file.read() == near.read()
        with pytest.raises(OSError, match="before the start"):
            file.seek(-1)
    asked.clear()
    with RangedFile(len(data), fetch).open("rb") as file:
        assert file.read() == data
    assert [(stop - start - 1) // BLOCK_SIZE + 1 for start, stop in asked[:5]] == [1, 2, 4, 8, MAX_BLOCKS_PER_FETCH]
    assert len(asked) < MAX_CACHED_BLOCKS / 2
