"""Scenes in one file: their formats and point counts, and why files are refused."""

import pytest

from gateway.kinds.enums import SceneFormat
from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from tests.fixtures import scenes
from tests.media.conftest import Probed, Refusal

SCENE = StorageItemType.SCENE
WHOLE = {
    "PLY": (scenes.ply(), 3),
    "PCD": (scenes.pcd(), 4),
    "LAS": (scenes.las(), 5),
    "LAZ": (scenes.las(packed=True), 5),
    "E57": (scenes.e57(), None),
    "MCAP": (scenes.mcap(), None),
    "BAG": (scenes.bag(), None),
    "DB3": (scenes.db3(), None),
}


@pytest.mark.parametrize("kind", SceneFormat)
def test_formats(probed: Probed, kind: SceneFormat) -> None:
    """ENC-FOLDEROP-25: each format is recognised by its content."""
    data, points = WHOLE[kind]
    assert probed(data, SCENE).scene == {"format": kind, "pointCount": points}


@pytest.mark.parametrize("kind", ["PLY", "PCD", "LAS", "E57", "MCAP", "DB3"])
def test_truncated(refusal: Refusal, kind: str) -> None:
    """Bytes that the header promises must be present."""
    assert "truncated" in refusal(WHOLE[kind][0][:-1], SCENE)


@pytest.mark.parametrize(
    "data", [b"ply", b"ply\nelement vertex x\nend_header\n", b"VERSION .7\n", b"LASF", b"ASTM-E57", b"\x89MCAP0\r\n"]
)
def test_nonsense(refusal: Refusal, data: bytes) -> None:
    """Files that only begin like a scene are refused with a message of the gateway."""
    assert refusal(data, SCENE)


def test_something_else(refusal: Refusal) -> None:
    assert "none of BAG, DB3, E57" in refusal(samples.png(), SCENE)


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
def test_points_that_the_file_cannot_hold(refusal: Refusal, kind: str) -> None:
    """A header that claims more points than the file has bytes for is that of a truncated file."""
    header = f"ply\nformat {kind} 1.0\nelement vertex {10**20}\nproperty float x\nend_header\n"
    assert "truncated" in refusal(header.encode() + b"1\n2\n", SCENE)


def test_number_of_points_beyond_64_bits(probed: Probed) -> None:
    """A compressed file may hold any number, but this one cannot be stored."""
    header = f"VERSION .7\nFIELDS x\nSIZE 4\nTYPE F\nWIDTH {10**20}\nHEIGHT 1\nDATA binary_compressed\n"
    facts = probed(header.encode(), SCENE)
    assert facts.scene == {"format": "PCD", "pointCount": None}
    assert facts.probe_warnings == [
        "The header states 100,000,000,000,000,000,000 points, which is not a plausible number."
    ]
