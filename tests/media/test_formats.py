"""Every format that the libraries can write is recognized by its content and read."""

import pytest

from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_formats import DEMUXERS, IMAGE_TYPES
from gateway.media import samples
from gateway.media.signatures import CHUNK_FORMS, SIGNATURES
from tests.fixtures.formats import EXTENSIONS, FILMS, IMAGES, OTHER_SOUNDS, SIZE, SOUNDS, sound
from tests.media.conftest import Probed

IMAGE, AUDIO, VIDEO = StorageItemType.IMAGE, StorageItemType.AUDIO, StorageItemType.VIDEO


@pytest.mark.parametrize("name", IMAGES)
def test_images(probed: Probed, name: str) -> None:
    make, mime_type = IMAGES[name]
    facts = probed(make(), IMAGE)
    assert (facts.mime_type, facts.width, facts.height, facts.orientation) == (mime_type, *SIZE, 1)
    assert facts.frame_count == {"apng": 2, "avifs": 3}.get(name)
    assert facts.probe_warnings == []


@pytest.mark.parametrize(("kind", "mime_type"), [("ICO", "image/vnd.microsoft.icon"), ("ICNS", "image/x-icns")])
def test_icons(probed: Probed, kind: str, mime_type: str) -> None:
    """An icon has the size of its largest picture."""
    icon = samples.encode_image(samples.disc_image(1024, 1024, 1), kind)
    facts = probed(icon, IMAGE)
    side = 256 if kind == "ICO" else 1024
    assert (facts.mime_type, facts.width, facts.height, facts.frame_count) == (mime_type, side, side, None)


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds(probed: Probed, name: str) -> None:
    container, codec, mime_type, rate, channels = SOUNDS[name]
    facts = probed(sound(container, codec, rate, channels), AUDIO)
    assert (facts.mime_type, facts.audio_sample_rate, facts.audio_num_channels) == (mime_type, rate, channels)
    assert facts.duration == pytest.approx(1.0, abs=0.16)
    assert facts.probe_warnings == []


@pytest.mark.parametrize("name", OTHER_SOUNDS)
def test_other_sounds(probed: Probed, name: str) -> None:
    make, mime_type = OTHER_SOUNDS[name]
    facts = probed(make(), AUDIO)
    assert facts.mime_type == mime_type
    assert facts.duration == pytest.approx(1.0, abs=0.16)


@pytest.mark.parametrize("name", FILMS)
def test_films(probed: Probed, name: str) -> None:
    make, mime_type = FILMS[name]
    facts = probed(make(), VIDEO)
    size = (720, 576) if name == "dv" else (176, 144)
    assert (facts.mime_type, facts.width, facts.height, facts.frame_count) == (mime_type, *size, 25)
    if name in ("h264", "h265"):  # streams without a clock
        assert facts.probe_warnings == ["The file does not say how long its frames are shown."]


@pytest.mark.parametrize(
    ("item_type", "extension"),
    [
        (item_type, each)
        for item_type in (IMAGE, AUDIO, VIDEO)
        for each in ITEM_KINDS[item_type].extensions
        if each in EXTENSIONS
    ],
)
def test_every_extension_of_a_sync(probed: Probed, item_type: StorageItemType, extension: str) -> None:
    """What a sync recognizes by its name is read."""
    facts = probed(EXTENSIONS[extension](), item_type, f"a.{extension}")
    assert facts.duration if item_type != IMAGE else facts.width


def test_what_is_recognized_is_read() -> None:
    """A signature without a decoder would make an error of a file that could be kept as it is."""
    recognized = {mime_type for *_, mime_type in SIGNATURES} | set(CHUNK_FORMS.values())
    assert recognized - {*DEMUXERS, *IMAGE_TYPES} == set()


@pytest.mark.parametrize(
    ("start", "item_type"),
    [
        (b"\xff\xfb", AUDIO),
        (b"\xff\xf1", AUDIO),
        (b"BM", IMAGE),
        (b"\0\0\1\xba", VIDEO),
        (b"\0\0\0\1", VIDEO),
        (b"GGG", VIDEO),
        (b"\0\0\1\0", IMAGE),
        (b"P5", IMAGE),
        (b"\x0b\x77", AUDIO),
    ],
)
def test_the_first_bytes_alone_are_not_enough(probed: Probed, start: bytes, item_type: StorageItemType) -> None:
    """Other files begin with them by chance."""
    data = start + bytes(range(256)) * 40
    assert probed(data, StorageItemType.FILE).mime_type == "application/octet-stream"
