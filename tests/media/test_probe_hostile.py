"""Any bytes yield facts or a MediaError with a readable message, and nothing else."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.length import ASF_HEADER
from gateway.media.probe import probe
from tests.fixtures.kinds import CONTENT
from tests.media.conftest import Refusal

KINDS: dict[StorageItemType, list[Callable[..., bytes]]] = {
    **{StorageItemType(item_type): [make] for item_type, make in CONTENT.items() if item_type not in ("SCENE", "FILE")},
    StorageItemType.IMAGE: [samples.png, samples.jpeg, samples.webp, samples.tiff, samples.gif_animated],
    StorageItemType.VIDEO: [samples.webm, samples.mp4],
    StorageItemType.AUDIO: [samples.mp3, samples.flac, samples.wav, samples.ogg],
    StorageItemType.PLAIN_TEXT: [samples.text, samples.html, samples.json_text],
}
"""Sample files of each kind that is read, but for scenes, whose eight formats have a test file of their own."""
TEXT = b"nnot a picture but a text without any Information, \x81\x01\0. " * 20
LONGEST_END_MARKER = 12
"""Bytes of a PNG's IEND chunk."""
PROBED = {item_type for item_type, kind in ITEM_KINDS.items() if kind.prober}
gently = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def facts_or_refusal(path: Path, data: bytes, item_type: StorageItemType) -> MediaFacts | None:
    """Probe; a MediaError is accepted if it does not contain the path of the file."""
    path.write_bytes(data)
    try:
        return probe(path, item_type, "upload.json")
    except MediaError as error:
        message = str(error)
    assert str(path.parent) not in message
    assert message.isprintable()
    return None


@pytest.mark.parametrize("item_type", KINDS)
def test_empty(refusal: Refusal, item_type: StorageItemType) -> None:
    """ENC-ITEM-17: an empty file is refused."""
    assert refusal(b"", item_type) == "the file is empty"


@pytest.mark.parametrize(
    ("data", "item_type"),
    [
        (b"\0\0\0\1ftypmp42" + (2**63 - 8).to_bytes(8) + bytes(8), StorageItemType.VIDEO),
        (b"\0\0\0\1ftypmp42" + (2**64 - 1).to_bytes(8) + bytes(8), StorageItemType.VIDEO),
        (b"\x1a\x45\xdf\xa3\1" + b"\xff\xff\xff\xff\xff\xff\xfe" + bytes(8), StorageItemType.VIDEO),
    ],
)
def test_pointers_far_beyond_the_end(refusal: Refusal, data: bytes, item_type: StorageItemType) -> None:
    """Not even a file system can seek there, which is the file's fault."""
    assert "truncated" in refusal(data, item_type) or "octet-stream" in refusal(data, item_type)


@pytest.mark.parametrize(
    ("head", "name", "item_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG", StorageItemType.IMAGE),
        (b"OggS", "Ogg", StorageItemType.AUDIO),
        (b"DSD \x1c\0\0\0", "DSF", StorageItemType.AUDIO),
        (b"RF64\xff\xff\xff\xffWAVE", "RF64", StorageItemType.AUDIO),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", "Wave64", StorageItemType.AUDIO),
        (ASF_HEADER, "ASF", StorageItemType.VIDEO),
    ],
)
def test_text_after_the_first_bytes_is_no_length(
    refusal: Refusal, head: bytes, name: str, item_type: StorageItemType
) -> None:
    said = refusal(head + TEXT, item_type)
    assert said == f"the file is not a valid {name} file"


def test_text_after_a_whole_part_is_no_length(refusal: Refusal) -> None:
    """The next box or chunk, or the frame after a tag: their lengths would be letters."""
    whole = {
        samples.png()[:33] + TEXT: StorageItemType.IMAGE,
        b"\0\0\0\x10ftypmp42\0\0\0\0" + TEXT: StorageItemType.VIDEO,
        b"ID3\x03\0\0\0\0\0\0" + TEXT: StorageItemType.AUDIO,
    }
    for data, item_type in whole.items():
        assert "truncated: it has" not in refusal(data, item_type)


@pytest.mark.parametrize("item_type", KINDS)
def test_mislabelled(refusal: Refusal, item_type: StorageItemType) -> None:
    """ENC-ITEM-18: the content decides, not the declared type or the name."""
    other, mime_type = (samples.png(), "image/png") if item_type != "IMAGE" else (samples.pdf(), "application/pdf")
    message = f"expected {ITEM_KINDS[item_type].noun}, but the content is {mime_type}"
    assert refusal(other, item_type, "scan.dcm") == message


@pytest.mark.parametrize("item_type", sorted(set(StorageItemType) - PROBED))
def test_types_that_have_no_file(refusal: Refusal, item_type: StorageItemType) -> None:
    """Groups and similar items are not files."""
    assert refusal(samples.png(), item_type) == f"items of the type {item_type} are not single files"


def test_missing_file(tmp_path: Path) -> None:
    """A file that cannot be reached is not reported as a fault of the file."""
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "nowhere", StorageItemType.IMAGE, "x.png")


@pytest.mark.parametrize("item_type", KINDS)
@gently
@given(data=st.binary(min_size=1, max_size=600))
def test_random_bytes(tmp_path: Path, item_type: StorageItemType, data: bytes) -> None:
    """Random noise."""
    facts = facts_or_refusal(tmp_path / "file", data, item_type)
    assert facts is None or facts.file_size == len(data)


@pytest.mark.parametrize("item_type", KINDS)
@gently
@given(choice=st.integers(0, 9), cut=st.floats(0.0, 0.999))
def test_truncations(tmp_path: Path, item_type: StorageItemType, choice: int, cut: float) -> None:
    """A truncated text is a text, and a missing end marker is no damage; all else is refused.

    A GIF that is cut between two frames has no trace of those that are missing.
    """
    kind = KINDS[item_type][choice % len(KINDS[item_type])]
    data = kind().rstrip()  # a complete file may lack the last line break
    kept = int(cut * len(data))
    facts = facts_or_refusal(tmp_path / "file", data[:kept], item_type)
    is_whole = len(data) - kept <= LONGEST_END_MARKER
    assert facts is None or is_whole or facts.mime_type.startswith(("text/", "image/gif"))


@pytest.mark.parametrize("item_type", KINDS)
@gently
@given(choice=st.integers(0, 9), seed=st.integers(0, 2**32), places=st.integers(1, 20))
def test_mutations(tmp_path: Path, item_type: StorageItemType, choice: int, seed: int, places: int) -> None:
    """Valid files with wrong bytes, most of them in the header."""
    data, chance = (bytearray(KINDS[item_type][choice % len(KINDS[item_type])]()), random.Random(seed))
    for _ in range(places):
        position = min(int(chance.expovariate(6 / len(data))), len(data) - 1)
        data[position] = chance.choice((0, 127, 128, 255, chance.randrange(256)))
    facts = facts_or_refusal(tmp_path / "file", bytes(data), item_type)
    assert facts is None or facts.file_size == len(data)
