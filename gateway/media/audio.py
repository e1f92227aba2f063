"""Probes audio files, of which the beginning and the end are decoded."""

import math
import re
import struct
from dataclasses import replace

from av.audio import AudioStream

from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.media_formats import DEMUXERS
from gateway.media.audio_packets import check_decodes, survey_audio
from gateway.media.container import audio_track, is_decodable, open_container, stated_duration
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

DURATION_TOLERANCE = 0.25
"""Seconds that may be missing from the duration that the header states."""
AUDIO_ONLY_TYPES = {
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/3gpp": "audio/3gpp",
    "video/3gpp2": "audio/3gpp2",
    "video/ogg": "audio/ogg",
    "video/x-ms-wmv": "audio/x-ms-wma",
    "application/vnd.rn-realmedia": "audio/vnd.rn-realaudio",
}
"""MIME types of files of audio alone in containers that are sniffed as video."""
# Demuxers estimate the duration of streams without a header from the bit rate. That of Ogg has what
# only starts the decoder in it.
ESTIMATED_DURATION = {
    *("ogg", "mp3", "aac", "loas", "amr", "ac3", "eac3", "dts", "mlp", "truehd", "sbc"),
    *("mpeg", "mpegts"),
}
# The length in bytes has been compared with the size of the file: a longer duration is an error in
# the header.
KNOWN_LENGTH = {"mov", "matroska", "wav", "w64", "aiff", "avi", "asf", "dsf", "iff"}
ONE_BIT = "dsd_"
"""Beginning of the names of codecs whose samples are bits; the demuxer counts bytes."""
LOSSLESS_CODECS = {"ape", "tak", "shorten", "mlp", "truehd"}
MAX_EXACT_BITS = 16
"""Bits of a decoded sample that are those of the stored one; 32 may stand for 24."""


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add codec, sample rate, bit depth if the codec has one, number of channels and duration.

    Raises:
        MediaError: The file is a video, has no audio track that can be decoded, or is truncated.
    """
    with open_container(file, facts.mime_type) as container:
        if any(map(is_decodable, container.streams.video)):
            raise MediaError("expected audio, but the content is a video")
        track = audio_track(container)
        survey = survey_audio(container, track)
        is_whole = check_decodes(track, survey)
        demuxer, stated = DEMUXERS[facts.mime_type], stated_duration(container, track)
        if not is_whole and stated and demuxer not in {*ESTIMATED_DURATION, *KNOWN_LENGTH}:
            raise MediaError("the audio is truncated: its last packet is incomplete")
        measured = min(survey.duration, padded_after(file) if demuxer == "dsf" else math.inf)
        facts = check_duration(stated, measured, demuxer, facts)
        return replace(
            facts,
            mime_type=AUDIO_ONLY_TYPES.get(facts.mime_type, facts.mime_type),
            audio_sample_rate=sample_rate_of(track),
            audio_bit_depth=bit_depth_of(track, bytes(survey.first[0])),
            audio_codec=track.codec_context.codec.canonical_name,
            audio_num_channels=track.codec_context.channels,
        )


def padded_after(file: ReadableFile) -> float:
    """Return the second after which a DSF file is padded to a whole block, from its header."""
    with file.open("rb") as data:
        rate, _, samples = struct.unpack_from("<IIQ", data.read(80), 56)
    return float(samples / rate)


def check_duration(stated: float, measured: float, demuxer: str, facts: MediaFacts) -> MediaFacts:
    """Add the duration in seconds according to the packets, as a header may be an estimate.

    Raises:
        MediaError: The header states more, and nothing else shows that the file is complete.
    """
    if demuxer == "asf" and stated:  # whose packets do not say how long they last
        return replace(facts, duration=stated)
    facts = replace(facts, duration=measured)
    if demuxer in ESTIMATED_DURATION or stated <= measured + DURATION_TOLERANCE:
        return facts
    if demuxer in KNOWN_LENGTH:
        return facts.with_warnings(
            f"The header states a duration of {stated:,.1f} s, but the audio lasts {measured:,.1f} s."
        )
    raise MediaError(f"the audio is truncated: it has {measured:,.1f} of {stated:,.1f} seconds")


def sample_rate_of(track: AudioStream) -> int:
    """Return the samples in a second."""
    rate = track.codec_context.sample_rate
    return rate * 8 if track.codec_context.codec.canonical_name.startswith(ONE_BIT) else rate


def bit_depth_of(track: AudioStream, first: bytes) -> int | None:
    """Return the bits of a stored sample, which lossy codecs do not have.

    `first` is the first packet of the track.
    """
    name, header = track.codec_context.codec.canonical_name, track.codec_context.extradata or b""
    if name == "flac" and len(header) >= 14:
        return ((header[12] & 1) << 4 | header[13] >> 4) + 1
    if name == "alac" and len(header) >= 18:
        return header[17]
    if name == "wmalossless" and len(header) >= 2:
        return int.from_bytes(header[:2], "little")
    if name == "tta" and header.startswith(b"TTA1") and len(header) >= 10:
        return int.from_bytes(header[8:10], "little")
    if name == "wavpack" and first.startswith(b"wvpk") and len(first) >= 28:
        flags = int.from_bytes(first[24:28], "little")
        return 8 * ((flags & 3) + 1) - (flags >> 13 & 31)
    if name.startswith(ONE_BIT):
        return 1
    if name in LOSSLESS_CODECS and track.format.bits <= MAX_EXACT_BITS:
        return track.format.bits
    bits = re.match(r"pcm_[sufS](\d+)", name)
    return int(bits[1]) if bits else None
