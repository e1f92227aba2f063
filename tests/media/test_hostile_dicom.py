"""Hostile DICOM files cost their own unit, with a reason, and large ones pass through the child."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from gateway.dicom.documents import from_text, unpack
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import samples
from gateway.media.dicom_elements import MAX_SIZE
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import MAX_MESSAGE
from gateway.sandbox.prober import ProbeLimits, Prober
from tests.media.test_dicom_elements import ITEM, SEQUENCE_END, UNDEFINED, explicit, item, nested

MOST_SECONDS = 20
_PIXELS = struct.pack("<HH", 0x7FE0, 0x0010)
_MILLION = 1_000_000

HOSTILE = {
    "1,000 nested sequences": (nested(1_000), "nested"),
    "a million elements": (explicit(0x00211001, "LO", b"") * _MILLION, "more than 1,000,000 elements"),
    "a million items": (explicit(0x00081115, "SQ", item() * _MILLION), "more than 1,000,000 elements"),
    "a million elements in items": (
        explicit(0x00081115, "SQ", item(explicit(0x00080060, "CS", b"MR") * 1_000) * 1_000),
        "more than 1,000,000 elements",
    ),
    "a text that ends after the file": (explicit(0x00204000, "LT", b"", 60_000), "truncated"),
    "a sequence that ends after the file": (explicit(0x00081115, "SQ", b"", 60_000), "truncated"),
    "a sequence without end": (explicit(0x00081115, "SQ", ITEM + UNDEFINED, 0xFFFFFFFF), "truncated"),
    "a text without end": (explicit(0x00204000, "UT", b"text", 0xFFFFFFFF), "truncated"),
    "an element of 4 GB": (explicit(0x00420011, "OB", b"", 0xFFFFFFFE), "truncated"),
}
"""Elements that follow those of a good file, and what the reason says."""


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Yield a prober that has a single child."""
    pool = Prober(ProbeLimits(children=1))
    yield pool
    await pool.close()


async def probe_with(prober: Prober, path: Path, elements: bytes) -> MediaFacts:
    """Probe a file with these elements in place of its pixels."""
    good = samples.dicom_file()
    path.write_bytes(good[: good.index(_PIXELS)] + elements)
    async with asyncio.timeout(MOST_SECONDS):
        return await prober.probe(path, StorageItemType.DICOM_FILE, "file")


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_files(prober: Prober, tmp_path: Path, name: str) -> None:
    """MID-MOD-01: each is refused with its reason, and its child reads the next file (AMB-ERR-23)."""
    elements, reason = HOSTILE[name]
    with pytest.raises(MediaError, match=reason):
        await probe_with(prober, tmp_path / "file", elements)
    facts = await probe_with(prober, tmp_path / "good", explicit(0x00204000, "LT", b"kept"))
    assert facts.dicom
    assert unpack(from_text(facts.dicom["document"]))["00204000"]["Value"] == ["kept"]


async def test_large_documents(prober: Prober, tmp_path: Path) -> None:
    """One that hardly compresses is handed on; what would make it larger is left out and listed."""
    noise = np.random.default_rng(1).integers(33, 91, MAX_SIZE - (1 << 20), np.uint8).tobytes()
    facts = await probe_with(
        prober,
        tmp_path / "file",
        explicit(0x00204000, "UT", noise) + explicit(0x00204001, "UT", noise) + explicit(0x00204002, "LO", b"kept"),
    )
    assert facts.dicom
    assert MAX_SIZE // 2 < len(facts.dicom["document"]) < MAX_MESSAGE
    assert facts.dicom["omitted"] == ["00204001"]
    document = unpack(from_text(facts.dicom["document"]))
    assert document["00204000"]["Value"] == [noise.decode()]
    assert document["00204002"]["Value"] == ["kept"]


async def test_elements_that_are_larger_as_json(prober: Prober, tmp_path: Path) -> None:
    """The document is within its size, too."""
    control = explicit(0x00204000, "UT", b"\x01" * (4 << 20))
    facts = await probe_with(prober, tmp_path / "file", control + explicit(0x00204002, "LO", b"kept"))
    assert facts.dicom
    assert facts.dicom["omitted"] == ["00204000"]
    assert facts.dicom["document_size"] < MAX_SIZE


def unknown(tag: int, value: bytes) -> bytes:
    """Return an element with a length of 32 bits, whose representation the dictionary has."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, len(value)) + value


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x30060050, b"1\\"),  # DS
        (0x00081150, b"\\\\"),  # UI
        (0x00100010, b"a=b=c\\"),
        (0x00700022, b"\xcd\xcc\xcc\x3d"),  # FL
        (0x00280009, b"\x10\0\x10\0"),  # AT
    ],
    ids=["numbers as text", "nothing", "names", "numbers", "tags"],
)
async def test_millions_of_values(prober: Prober, tmp_path: Path, tag: int, value: bytes) -> None:
    """They take many times their size as objects; an element of so many is left out before that."""
    values = value * ((15 << 20) // len(value))
    elements = [unknown(tag, values), explicit(0x54000010, "LO", b"kept")]
    facts = await probe_with(prober, tmp_path / "file", b"".join(elements))
    assert facts.dicom
    assert facts.dicom["omitted"] == [f"{tag:08X}"]
    assert "54000010" in unpack(from_text(facts.dicom["document"]))


async def test_frames_without_number(prober: Prober, tmp_path: Path) -> None:
    """The items of more frames than a document holds are left out."""
    frame = item(explicit(0x00209056, "SH", b"stack"))
    end = SEQUENCE_END + bytes(4)
    large = explicit(0x52009230, "SQ", frame * 700_000 + end, 0xFFFFFFFF)
    facts = await probe_with(prober, tmp_path / "file", large + explicit(0x54000010, "LO", b"kept"))
    assert facts.dicom
    assert facts.dicom["omitted"] == ["52009230"]
    assert "54000010" in unpack(from_text(facts.dicom["document"]))
