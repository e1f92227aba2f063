"""Audio files: sample rate, bit depth, codec, channels and duration, and why files are refused."""

import io
import struct
from pathlib import Path

import av
import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from tests.media.conftest import Probed, Refusal
from tests.samples import truncate

AUDIO = StorageItemType.AUDIO
MEDIA = Path(__file__).parents[1] / "fixtures" / "media"
KINDS = {"mp3": samples.mp3, "flac": samples.flac, "wav": samples.wav, "ogg": samples.ogg}


@pytest.mark.parametrize(
    ("kind", "mime_type", "codec", "bit_depth"),
    [
        ("mp3", "audio/mpeg", "mp3", None),
        ("flac", "audio/flac", "flac", 16),
        ("wav", "audio/wav", "pcm_s16le", 16),
        ("ogg", "audio/ogg", "opus", None),
    ],
)
def test_facts(probed: Probed, kind: str, mime_type: str, codec: str, bit_depth: int | None) -> None:
    """ENC-ITEM-18, 19, 27 to 30: MIME type, duration, sample rate, bit depth, codec and channels;
    no facts of images.
    """
    facts = probed(KINDS[kind](seconds=2.0, rate=48000, channels=2), AUDIO)
    assert (facts.mime_type, facts.audio_codec, facts.audio_bit_depth) == (mime_type, codec, bit_depth)
    assert (facts.audio_sample_rate, facts.audio_num_channels) == (48000, 2)
    assert facts.duration == pytest.approx(2.0, abs=0.06)
    assert (facts.width, facts.fps, facts.frame_count) == (None, None, None)


def test_mono(probed: Probed) -> None:
    """ENC-ITEM-19, 27, 30: exact values where the format has them."""
    facts = probed(samples.wav(seconds=1.5, rate=8000, channels=1), AUDIO)
    assert (facts.duration, facts.audio_sample_rate, facts.audio_num_channels) == (1.5, 8000, 1)


@pytest.mark.parametrize(
    ("codec", "bit_depth"), [("pcm_s24le", 24), ("pcm_f32le", 32), ("pcm_u8", 8), ("pcm_alaw", None)]
)
def test_bit_depth(probed: Probed, codec: str, bit_depth: int | None) -> None:
    """ENC-ITEM-28: the depth of the stored samples, not of the decoded ones."""
    facts = probed(sound("wav", codec), AUDIO)
    assert (facts.audio_codec, facts.audio_bit_depth) == (codec, bit_depth)


@pytest.mark.parametrize(("codec", "bit_depth"), [("aac", None), ("alac", 24)])
def test_sound_in_mp4(probed: Probed, codec: str, bit_depth: int | None) -> None:
    """ENC-ITEM-18, 28, 29: an MP4 without video tracks is audio."""
    facts = probed(sound("mp4", codec), AUDIO)
    assert (facts.mime_type, facts.audio_codec, facts.audio_bit_depth) == ("audio/mp4", codec, bit_depth)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.99, 0.7, 0.4])
def test_truncated(refusal: Refusal, kind: str, keep: float) -> None:
    """Truncated files are refused."""
    assert "truncated" in refusal(truncate(KINDS[kind](seconds=2.0), keep), AUDIO)


def test_shorter_than_stated(refusal: Refusal) -> None:
    """Truncated between two packets, which only the duration in the header reveals."""
    data = samples.flac(seconds=2.0)
    with av.open(io.BytesIO(data), "r") as container:
        offsets = [packet.pos for packet in container.demux(audio=0) if packet.size]
    assert refusal(data[: offsets[10]], AUDIO) == "the audio is truncated: it has 1.0 of 2.0 seconds"


def test_last_packet_without_samples(probed: Probed) -> None:
    """The last packet of Vorbis may complete nothing: the file, written by oggenc, is whole."""
    facts = probed((MEDIA / "last_packet_is_silent.ogg").read_bytes(), AUDIO)
    assert facts.duration == pytest.approx(42_880 / 44_100)


def test_damaged_packets(probed: Probed, refusal: Refusal) -> None:
    """Players skip them, unless nothing else is left."""
    data = bytearray(samples.mp3(seconds=2.0))
    start = data.index(b"\xff\xfb", 500)
    data[start + 4 : start + 300] = bytes(296)
    assert probed(bytes(data), AUDIO).duration == pytest.approx(2.0, abs=0.06)
    with av.open(io.BytesIO(samples.ogg()), "r") as container:
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    silent = samples.ogg()
    for packet in packets:
        silent = silent.replace(packet, b"\xff" * len(packet))
    assert "broken or truncated" in refusal(silent, AUDIO)


def test_header_of_a_whole_file_that_states_too_much(probed: Probed) -> None:
    """Nothing is missing, as the length in bytes shows: the header is wrong, and the audio is kept."""
    data = sound("matroska", "flac")
    position = data.index(b"\x44\x89\x88") + 3
    stated = struct.unpack_from(">d", data, position)[0]
    facts = probed(data[:position] + struct.pack(">d", 9 * stated) + data[position + 8 :], AUDIO)
    assert facts.duration == pytest.approx(1.0, abs=0.01)
    assert facts.probe_warnings == ["The header states a duration of 9.0 s, but the audio lasts 1.0 s."]


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFF024, 0x80000024])
def test_recording_to_a_pipe(probed: Probed, length: int) -> None:
    """Recorders that cannot seek leave a length in the header that means nothing."""
    data = bytearray(samples.wav(seconds=1.5, rate=8000, channels=1))
    data[4:8] = length.to_bytes(4, "little")
    start = data.index(b"data") + 4
    data[start : start + 4] = (length - 36 if 0 < length < 0xFFFFFFFF else length).to_bytes(4, "little")
    assert probed(bytes(data), AUDIO).duration == 1.5


@pytest.mark.parametrize("factor", [0.1, 10])
def test_header_of_mp4_that_lies(probed: Probed, factor: float) -> None:
    """The index is believed, not the duration in the header."""
    data = bytearray(sound("ipod", "aac"))
    position = data.index(b"mdhd") + 20
    stated = int.from_bytes(data[position : position + 4])
    data[position : position + 4] = round(stated * factor).to_bytes(4)
    assert probed(bytes(data), AUDIO).duration == pytest.approx(1.0, abs=0.05)


def test_priming_of_opus(probed: Probed) -> None:
    """What only starts the decoder is neither heard nor missing, however long it is."""
    data = bytearray(samples.ogg(seconds=2.0))
    position = data.index(b"OpusHead") + 10
    data[position : position + 2] = (48_000).to_bytes(2, "little")
    page = bytes(data[:22]) + bytes(4) + bytes(data[26 : data.index(b"OggS", 4)])
    data[22:26] = ogg_checksum(page).to_bytes(4, "little")
    facts = probed(bytes(data), AUDIO)
    assert facts.duration == pytest.approx(1.0, abs=0.05)
    assert facts.probe_warnings == []


def ogg_checksum(page: bytes) -> int:
    checksum = 0
    for octet in page:
        checksum ^= octet << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum & 1 << 31 else 0)) & 0xFFFFFFFF
    return checksum


def test_empty_track(refusal: Refusal) -> None:
    """A recording without a sample is not called broken."""
    data = samples.wav()
    header = data[:4] + (data.index(b"data")).to_bytes(4, "little") + data[8 : data.index(b"data")]
    assert refusal(header + b"data" + bytes(4), AUDIO) == "the audio track is empty"


def test_header_without_audio(refusal: Refusal) -> None:
    """The index refers to packets that are not there."""
    data = sound("ipod", "aac")
    start = data.index(b"mdat") - 4
    size = int.from_bytes(data[start : start + 4])
    assert "truncated: its index" in refusal(data[:start] + data[start + size :], AUDIO)


def test_truncated_wma(probed: Probed, refusal: Refusal) -> None:
    """The header says how long the packets are together, and their duration, which they do not tell themselves."""
    data = sound("asf", "wmav2")
    assert probed(data, AUDIO).duration == pytest.approx(1.0, abs=0.1)
    assert "truncated" in refusal(data[:-100], AUDIO)


def test_truncated_mp3_with_vbri(refusal: Refusal) -> None:
    """Other encoders than LAME state the length in a header of their own."""
    data = bytearray(samples.mp3())
    start = data.index(b"\xff\xfb")
    data[start + 36 : start + 50] = b"VBRI\0\1\0\0\0\0" + (len(data) - start).to_bytes(4)
    data[:start] = b""
    assert "truncated" in refusal(bytes(data[:-50]), AUDIO)


def test_film(refusal: Refusal) -> None:
    """A video is not accepted as audio, even with sound."""
    assert refusal(samples.webm(), AUDIO) == "expected audio, but the content is a video"


def sound(container: str, codec: str) -> bytes:
    """Return one second of sound in a codec."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=48000)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.bit_rate = "stereo", 128_000
        for frame in samples.tone_frames(1.0, 48000, 2, 0):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()
