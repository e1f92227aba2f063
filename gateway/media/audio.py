"""Probes audio files, of which the beginning and the end are decoded."""

import re
from dataclasses import replace

from av.audio import AudioStream
from av.container import InputContainer

from gateway.kinds.media_facts import MediaFacts
from gateway.media.container import (
    check_decodes,
    is_decodable,
    open_container,
    stated_duration,
    survey_track,
)
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

DURATION_TOLERANCE = 0.25
"""Seconds that may be missing from the duration that the header states."""
AUDIO_ONLY_TYPES = {
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
    "video/3gpp": "audio/3gpp",
}
"""MIME types of files of audio alone in containers that are sniffed as video."""
# Demuxers estimate the duration of these from the bit rate.
ESTIMATED_DURATION = {"audio/mpeg", "audio/aac", "audio/amr"}


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add codec, sample rate, bit depth if the codec has one, number of channels and duration.

    Raises:
        MediaError: The file is a video, has no audio track that can be decoded, or is truncated.
    """
    with open_container(file, facts.mime_type) as container:
        if any(map(is_decodable, container.streams.video)):
            raise MediaError("expected audio, but the content is a video")
        track = next(filter(is_decodable, container.streams.audio), None)
        if track is None:
            raise MediaError("the file has no audio track that can be decoded")
        return replace(
            facts,
            mime_type=AUDIO_ONLY_TYPES.get(facts.mime_type, facts.mime_type),
            duration=measure_duration(container, track, facts.mime_type),
            audio_sample_rate=track.codec_context.sample_rate,
            audio_bit_depth=bit_depth_of(track),
            audio_codec=track.codec_context.codec.canonical_name,
            audio_num_channels=track.codec_context.channels,
        )


def measure_duration(container: InputContainer, track: AudioStream, mime_type: str) -> float:
    """Return the duration in seconds according to the packets, as a header may be an estimate.

    Raises:
        MediaError: The header states more, or the audio cannot be decoded.
    """
    survey = survey_track(container, track)
    stated = stated_duration(container, track)
    if mime_type not in ESTIMATED_DURATION and stated > survey.duration + DURATION_TOLERANCE:
        raise MediaError(
            f"the audio is truncated: it has {survey.duration:,.1f} of {stated:,.1f} seconds"
        )
    check_decodes(track, survey)
    return survey.duration


def bit_depth_of(track: AudioStream) -> int | None:
    """Return the bits of a stored sample, which lossy codecs do not have."""
    name, header = track.codec_context.codec.canonical_name, track.codec_context.extradata or b""
    if name == "flac" and len(header) >= 14:
        return ((header[12] & 1) << 4 | header[13] >> 4) + 1
    if name == "alac" and len(header) >= 18:
        return header[17]
    bits = re.match(r"pcm_[sufS](\d+)", name)
    return int(bits[1]) if bits else None
