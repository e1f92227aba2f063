"""Contents of the demo: folders with files, groups, users with roles, and two datasets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway.demo import papers, sounds, study
from gateway.demo.phantom import head
from gateway.demo.sounds import Wave
from gateway.demo.streets import Hour, drive, street
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples

RATE = 22_050


@dataclass(frozen=True)
class DemoFile:
    """A file to upload; `make` returns its bytes."""

    name: str
    item_type: StorageItemType
    mime_type: str
    make: Callable[[], bytes]


@dataclass(frozen=True)
class DemoFileGroup:
    """A group of files: an image group or a DICOM series."""

    name: str
    item_type: StorageItemType
    files: tuple[DemoFile, ...]


@dataclass(frozen=True)
class DemoFolder:
    """A folder with its contents, and the roles of groups on it and everything below."""

    name: str
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[DemoFile, ...] = ()
    file_groups: tuple[DemoFileGroup, ...] = ()
    folders: tuple["DemoFolder", ...] = ()
    roles: Mapping[str, StorageUserRole] = field(default_factory=dict)


@dataclass(frozen=True)
class DemoUser:
    """A user and their group."""

    email: str
    name: str
    group: str


@dataclass(frozen=True)
class DemoDataset:
    """A dataset of the items with these names, or a mirror dataset of the folder `mirrors`."""

    title: str
    description: str
    items: tuple[str, ...] = ()
    mirrors: str = ""


def _image(name: str, kind: str, hour: Hour, seed: int) -> DemoFile:
    def make() -> bytes:
        return samples.encode_image(street(960, 600, hour, seed), kind)

    return DemoFile(name, StorageItemType.IMAGE, f"image/{kind}", make)


def _video(name: str, hour: Hour, seed: int) -> DemoFile:
    def make() -> bytes:
        return samples.encode_video(
            "webm", "libvpx-vp9", 12, (480, 300), drive(480, 300, hour, seed, 36)
        )

    return DemoFile(name, StorageItemType.VIDEO, "video/webm", make)


def _audio(
    name: str,
    mime_type: str,
    container: str,
    codec: samples.AudioCodec,
    play: Callable[[float, int, int], Wave],
) -> DemoFile:
    def make() -> bytes:
        frames = samples.audio_frames(play(4.0, RATE, 7), RATE, 1)
        return samples.encode_audio(container, codec, RATE, 1, frames)

    return DemoFile(name, StorageItemType.AUDIO, mime_type, make)


def _text(name: str, content: str) -> DemoFile:
    return DemoFile(name, StorageItemType.PLAIN_TEXT, "text/plain", content.encode)


def _dicom(name: str, make: Callable[[], bytes]) -> DemoFile:
    return DemoFile(name, StorageItemType.DICOM_FILE, "application/dicom", make)


HEAD_CT = DemoFolder(
    "Head CT",
    "One study of a phantom: a scout image and an axial series.",
    {"modality": "CT", "phantom": True},
    files=(_dicom("scout.dcm", study.scout),),
    file_groups=(
        DemoFileGroup(
            "Head phantom, axial",
            StorageItemType.DICOM_SERIES,
            tuple(
                _dicom(f"slice-{number + 1:02}.dcm", partial(study.axial_slice, number))
                for number in range(study.SLICES)
            ),
        ),
    ),
)
RADIOLOGY = DemoFolder(
    "Radiology",
    "Head phantoms as series and volumes, with reports.",
    {"department": "Radiology", "retentionYears": 10},
    folders=(
        HEAD_CT,
        DemoFolder(
            "Head MR",
            "The head phantom as one volume.",
            {"modality": "MR", "phantom": True},
            files=(
                DemoFile(
                    "head-phantom.nii.gz",
                    StorageItemType.NIFTI,
                    "application/gzip",
                    # NIfTI's axes are columns, rows and slices.
                    lambda: samples.nifti_bytes(head(64, 48, 1000).transpose(2, 1, 0)),
                ),
            ),
        ),
        DemoFolder(
            "Reports",
            "Readings and protocols.",
            files=(
                DemoFile(
                    "Reading report.pdf", StorageItemType.PDF, "application/pdf", papers.report
                ),
                _text("Protocol.txt", papers.PROTOCOL),
            ),
        ),
    ),
    roles={"Curators": StorageUserRole.ADMIN, "Radiologists": StorageUserRole.USER},
)
STREETS = DemoFolder(
    "Street scenes",
    "Street corners at different times of day, by one camera.",
    {"camera": "drawn", "licence": "CC0-1.0"},
    file_groups=(
        DemoFileGroup(
            "Corner 7, a day",
            StorageItemType.IMAGE_GROUP,
            tuple(
                _image(f"corner-7-{hour}.jpg", "jpeg", hour, 7)
                for hour in ("dawn", "noon", "dusk", "night")
            ),
        ),
    ),
    folders=(
        DemoFolder(
            "Day",
            "Street corners in daylight.",
            files=(
                _image("corner-1.png", "png", "noon", 1),
                _image("corner-2.jpg", "jpeg", "noon", 2),
                _image("corner-3.webp", "webp", "dawn", 3),
            ),
        ),
        DemoFolder(
            "Night",
            "The same street corners after sunset.",
            files=(
                _image("corner-1-night.png", "png", "night", 1),
                _image("corner-2-dusk.jpg", "jpeg", "dusk", 2),
                _image("corner-3-night.webp", "webp", "night", 3),
            ),
        ),
        DemoFolder(
            "Films",
            "Traffic videos of three seconds each.",
            files=(_video("traffic-noon.webm", "noon", 2), _video("traffic-dusk.webm", "dusk", 1)),
        ),
    ),
    roles={
        "Curators": StorageUserRole.ADMIN,
        "Radiologists": StorageUserRole.VIEWER,
        "Guests": StorageUserRole.VIEWER,
    },
)
RECORDINGS = DemoFolder(
    "Field recordings",
    "Sounds recorded in one day.",
    {"microphone": "computed", "licence": "CC0-1.0"},
    files=(
        _audio("birds.flac", "audio/flac", "flac", "flac", sounds.birds),
        _audio("bell.mp3", "audio/mpeg", "mp3", "libmp3lame", sounds.bell),
        _audio("rain.wav", "audio/wav", "wav", "pcm_s16le", sounds.rain),
        _text("Diary.txt", papers.DIARY),
    ),
    roles={"Curators": StorageUserRole.ADMIN, "Guests": StorageUserRole.VIEWER},
)
ROOTS = (RADIOLOGY, STREETS, RECORDINGS)

GROUPS = {
    "Curators": "Manage the whole collection.",
    "Radiologists": "Read and add to Radiology.",
    "Guests": "View two of the three folders.",
}
USERS = (
    DemoUser("curator@demo.example", "Cleo Curator", "Curators"),
    DemoUser("radiologist@demo.example", "Rafael Radiologist", "Radiologists"),
    DemoUser("guest@demo.example", "Gita Guest", "Guests"),
)
DATASETS = (
    DemoDataset(
        "Corners, training",
        "Street corners selected by hand.",
        items=(
            "corner-1.png",
            "corner-2.jpg",
            "corner-1-night.png",
            "corner-2-dusk.jpg",
            "traffic-noon.webm",
        ),
    ),
    DemoDataset("Head phantoms", "All items of the folder Head CT.", mirrors=HEAD_CT.name),
)
