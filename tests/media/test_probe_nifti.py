"""NIfTI volumes: size and slices, and why files are refused."""

import gzip

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Pair
from nibabel.nifti2 import Nifti2Image

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from tests.media.conftest import Probed, Refusal
from tests.samples import gzip_bomb_nifti, truncate

NIFTI = StorageItemType.NIFTI
MIME_TYPES = {False: "application/x-nifti", True: "application/x-nifti+gzip"}


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize(("shape", "slices"), [((10, 9, 8), 8), ((10, 9, 8, 3), 24), ((10, 9), 1)])
def test_facts(probed: Probed, shape: tuple[int, ...], slices: int, gz: bool) -> None:
    """ENC-ITEM-18, 21, 22, 26: MIME type; the first two dimensions; the slices of all points in time."""
    facts = probed(samples.nifti(shape=shape, gz=gz), NIFTI)
    assert (facts.mime_type, facts.width, facts.height, facts.frame_count) == (MIME_TYPES[gz], 10, 9, slices)


def test_second_version(probed: Probed) -> None:
    """ENC-ITEM-21, 22, 26: the header of NIfTI-2."""
    data = Nifti2Image(np.zeros((7, 6, 5), np.float32), np.eye(4)).to_bytes()  # type: ignore[no-untyped-call]  # has no types
    facts = probed(data, NIFTI)
    assert (facts.width, facts.height, facts.frame_count) == (7, 6, 5)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("keep", [0.99, 0.7])
def test_truncated(refusal: Refusal, gz: bool, keep: float) -> None:
    """Truncated files, compressed or not."""
    assert "truncated" in refusal(truncate(samples.nifti(gz=gz), keep), NIFTI)


def test_bomb(refusal: Refusal) -> None:
    """Decompression stops soon after the size that the header states."""
    assert refusal(gzip_bomb_nifti(), NIFTI) == (
        "the NIfTI file is far longer than the 3,424 bytes that its header requires"
    )


def test_header_alone(refusal: Refusal) -> None:
    """The header file of a pair."""
    pair = Nifti1Pair(np.zeros((4, 4, 4), np.int16), np.eye(4))  # type: ignore[no-untyped-call]  # has no types
    assert "only single files" in refusal(bytes(pair.header.binaryblock), NIFTI)


@pytest.mark.parametrize(
    ("offset", "value", "problem"), [(40, 0, "invalid dimensions"), (42, -5, "invalid dimensions"), (70, 77, "broken")]
)
def test_contradictions(refusal: Refusal, offset: int, value: int, problem: str) -> None:
    """Impossible dimensions and voxel types."""
    data = bytearray(samples.nifti(gz=False))
    data[offset : offset + 2] = value.to_bytes(2, "little", signed=True)
    assert problem in refusal(bytes(data), NIFTI)


def test_other_gzip(refusal: Refusal) -> None:
    """Other content in gzip."""
    message = "expected a NIfTI volume, but the content is application/gzip"
    assert refusal(gzip.compress(samples.png()), NIFTI) == message
