"""Videos: size, frame rate, duration and frames, and why files are refused."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av
import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_formats import DEMUXERS
from gateway.media import samples
from gateway.media.container import open_container
from tests.media.conftest import Probed, Refusal
from tests.samples import truncate

VIDEO = StorageItemType.VIDEO
KINDS: dict[str, Callable[..., bytes]] = {"webm": samples.webm, "mp4": samples.mp4}
OTHERS: list[tuple[str, Literal["mpeg4", "mpeg2video", "libvpx"], str]] = [
    ("matroska", "libvpx", "video/x-matroska"),
    ("mov", "mpeg4", "video/quicktime"),
    ("avi", "mpeg4", "video/x-msvideo"),
    ("mpegts", "mpeg2video", "video/mp2t"),
    ("flv", "mpeg4", "video/x-flv"),
]


def film(container: str, codec: Literal["mpeg4", "mpeg2video", "libvpx"], **options: str) -> bytes:
    """Return four seconds of video, 25 frames, in a container that the demo does not use."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, container_options=options) as output:
        stream = output.add_stream(codec, rate=25, options={"g": "25"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for step in range(100):
            output.mux(
                stream.encode(av.VideoFrame.from_ndarray(samples.disc_pixels(160, 120, 1, step), format="rgb24"))
            )
        output.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_facts(probed: Probed, kind: str) -> None:
    """ENC-ITEM-18 to 22 and 26: MIME type, duration, fps, height, width and frames; no facts of audio."""
    facts = probed(KINDS[kind](seconds=3.0, fps=12, size=(96, 64)), VIDEO)
    assert (facts.mime_type, facts.width, facts.height) == (f"video/{kind}", 96, 64)
    assert (facts.fps, facts.duration, facts.frame_count) == (12.0, 3.0, 36)
    assert facts.audio_codec is None
    assert facts.page_count is None


@pytest.mark.parametrize(("container", "codec", "mime_type"), [*OTHERS[:4]])
def test_other_containers(
    probed: Probed, container: str, codec: Literal["mpeg4", "mpeg2video", "libvpx"], mime_type: str
) -> None:
    """ENC-ITEM-18 to 22 and 26, from the index of the container or by reading all packets."""
    facts = probed(film(container, codec), VIDEO)
    assert (facts.mime_type, facts.width, facts.height) == (mime_type, 160, 120)
    assert (facts.fps, facts.duration, facts.frame_count) == (25.0, 4.0, 100)


def test_fragments(probed: Probed) -> None:
    """ENC-ITEM-19, 26: a fragmented MP4 has no index of the whole file."""
    facts = probed(film("mp4", "mpeg4", movflags="frag_keyframe+empty_moov"), VIDEO)
    assert (facts.fps, facts.duration, facts.frame_count) == (25.0, 4.0, 100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.99, 0.7, 0.4, 0.1])
def test_truncated(refusal: Refusal, kind: str, keep: float) -> None:
    """Truncated files are refused; the error says how many bytes there are."""
    data = truncate(KINDS[kind](), keep)
    assert f"truncated: it has {len(data):,} of" in refusal(data, VIDEO)


def test_shorter_than_stated(refusal: Refusal) -> None:
    """A container of unknown length that ends before its stated duration."""
    data = film("matroska", "libvpx")
    live = data.replace(data[:4], data[:4], 1)
    segment = live.index(b"\x18\x53\x80\x67") + 4
    live = live[:segment] + b"\x01" + 7 * b"\xff" + live[segment + 8 :]
    assert "truncated" in refusal(truncate(live, 0.5), VIDEO)


@pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video"])
def test_undecodable(refusal: Refusal, codec: Literal["mpeg4", "mpeg2video"]) -> None:
    """The container is valid, but the frames are zeros: one decoder reports it, the other does not."""
    data = bytearray(film("mp4", codec))
    start = data.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(data[start - 8 : start - 4])
    data[start:end] = bytes(end - start)
    assert refusal(bytes(data), VIDEO) == "the track cannot be decoded: the file is broken or truncated"


def test_no_pictures(refusal: Refusal) -> None:
    """A video container with audio only."""
    sound = samples.tone_audio("webm", "libopus", 1.0, 48000, 2, 0)  # for the type checker
    assert refusal(sound, VIDEO) == "the file has no video track that can be decoded"


def test_playlist(refusal: Refusal) -> None:
    """A list of other files is text, and FFmpeg never opens it."""
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    assert refusal(playlist, VIDEO) == "expected a video, but the content is text/plain"


def test_other_files_stay_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a demuxer that follows references can open no file but its own."""
    (tmp_path / "other.ts").write_bytes(film("mpegts", "mpeg2video"))
    playlist = tmp_path / "playlist"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{tmp_path}/other.ts\n#EXT-X-ENDLIST\n")
    monkeypatch.setitem(DEMUXERS, "text/plain", "hls")
    with pytest.raises(Exception, match="refers to other files"), open_container(playlist, "text/plain"):
        pass
