"""Statistics of each kind of item on a generated site: how many, how large, and with what facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.generate.rng import Rng
from gateway.kinds.item_kinds import ITEM_KINDS, ItemKind, StorageItemType

Facts = Callable[[Rng], Mapping[str, Any]]

_SCREENS = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160), (4032, 3024))
_KB, _MB = 1_000, 1_000_000


def _picture(rng: Rng) -> Mapping[str, Any]:
    width, height = rng.choice(_SCREENS)
    return {"width": width, "height": height}


def _film(rng: Rng) -> Mapping[str, Any]:
    fps, seconds = rng.choice((24.0, 25.0, 29.97, 60.0)), rng.log_uniform(5, 1200)
    return {
        **_picture(rng),
        "fps": fps,
        "duration": float(seconds),
        "frame_count": int(seconds * fps),
    }


def _sound(rng: Rng) -> Mapping[str, Any]:
    rate, depth = rng.choice(((44_100, 16), (48_000, 24), (96_000, 24)))
    known = {"audio_sample_rate": rate, "audio_bit_depth": depth, "audio_codec": "flac"}
    return {
        **known,
        "audio_num_channels": rng.choice((1, 2)),
        "duration": rng.log_uniform(100, 360_000) / 100,
    }


def _slice(rng: Rng) -> Mapping[str, Any]:
    study = f"1.2.826.0.1.3680043.{rng.below(10_000)}"
    series = f"{study}.{rng.below(9) + 1}"
    uids = {"dicom_study_uid": study, "dicom_series_uid": series}
    return {
        "width": 512,
        "height": 512,
        **uids,
        "dicom_instance_uid": f"{series}.{rng.below(10**9)}",
    }


def _volume(rng: Rng) -> Mapping[str, Any]:
    return {"width": 256, "height": 256, "frame_count": rng.log_uniform(40, 400)}


def _paper(rng: Rng) -> Mapping[str, Any]:
    return {"page_count": rng.log_uniform(1, 300)}


def _nothing(_rng: Rng) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class GeneratedKind:
    """Distribution from which the items of one kind are generated.

    Attributes:
        item_type: The kind.
        weight: Its share of all items, relative to the weights of the other kinds.
        extension: Extension of their names.
        mime_type: Their MIME type; None for groups, which have members instead of bytes.
        min_size: Smallest size in bytes.
        max_size: Largest size in bytes.
        facts: Draws the other facts of a file.
        member_type: Kind of the members of a group; None for any.
    """

    item_type: StorageItemType
    weight: int
    extension: str = ""
    mime_type: str | None = None
    min_size: int = 0
    max_size: int = 0
    facts: Facts = _nothing
    member_type: StorageItemType | None = None


def _default(kind: ItemKind) -> GeneratedKind:
    """Return how items of a kind are generated that has no entry of its own."""
    if kind.prober is None:
        return GeneratedKind(kind.item_type, 1, member_type=kind.member_type)
    extension = f".{kind.extensions[0]}" if kind.extensions else ""
    return GeneratedKind(kind.item_type, 1, extension, "application/octet-stream", 1 * _KB, 1 * _MB)


_TYPE = StorageItemType
_ENTRIES = (
    GeneratedKind(_TYPE.IMAGE, 46, ".jpg", "image/jpeg", 40 * _KB, 9 * _MB, _picture),
    GeneratedKind(_TYPE.VIDEO, 10, ".mp4", "video/mp4", 1 * _MB, 4_000 * _MB, _film),
    GeneratedKind(_TYPE.AUDIO, 7, ".flac", "audio/flac", 100 * _KB, 300 * _MB, _sound),
    GeneratedKind(_TYPE.DICOM_FILE, 10, ".dcm", "application/dicom", 100 * _KB, 2 * _MB, _slice),
    GeneratedKind(_TYPE.PDF, 6, ".pdf", "application/pdf", 20 * _KB, 30 * _MB, _paper),
    GeneratedKind(_TYPE.PLAIN_TEXT, 6, ".txt", "text/plain", 100, 2 * _MB),
    GeneratedKind(_TYPE.NIFTI, 4, ".nii.gz", "application/gzip", 1 * _MB, 80 * _MB, _volume),
    GeneratedKind(_TYPE.TIMESERIES, 3, ".csv", "text/csv", 1 * _KB, 50 * _MB),
    GeneratedKind(_TYPE.SCENE, 1, member_type=_TYPE.NIFTI),
    GeneratedKind(_TYPE.IMAGE_GROUP, 2, member_type=_TYPE.IMAGE),
    GeneratedKind(_TYPE.IMAGE_SEQUENCE, 1, member_type=_TYPE.IMAGE),
    GeneratedKind(_TYPE.DICOM_SERIES, 2, member_type=_TYPE.DICOM_FILE),
    GeneratedKind(_TYPE.GROUP, 2),
)
KINDS = (
    *_ENTRIES,
    *(
        _default(kind)
        for item_type, kind in ITEM_KINDS.items()
        if item_type not in {entry.item_type for entry in _ENTRIES}
    ),
)
"""How the items of each kind are generated."""
