"""Facts of a recording; its beginning and its end are decoded on the way."""

import re
from dataclasses import replace

from av.audio import AudioStream
from av.container import InputContainer

from gateway.media.container import check_decodes, opened, stated_duration, survey, usable
from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

SLACK = 0.25
SOUND_ONLY = {"video/mp4": "audio/mp4", "video/webm": "audio/webm", "video/3gpp": "audio/3gpp"}
# Their demuxers work the duration out from the bit rate; it is no promise.
GUESSED = {"audio/mpeg", "audio/aac", "audio/amr"}


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """Sample rate, bit depth where the codec has one, codec, channels and duration.

    Raises:
        MediaError: a film, no sound track, a codec that we lack, or sound that cannot be decoded.
    """
    with opened(path, facts.mime_type) as container:
        if any(map(usable, container.streams.video)):
            raise MediaError("said to be audio, but the content is a film")
        track = next(filter(usable, container.streams.audio), None)
        if track is None:
            raise MediaError("the file has no sound track that can be decoded")
        duration = duration_of(container, track, facts.mime_type)
        return replace(
            facts,
            mime_type=SOUND_ONLY.get(facts.mime_type, facts.mime_type),
            duration=duration,
            audio_sample_rate=track.codec_context.sample_rate,
            audio_bit_depth=bit_depth(track),
            audio_codec=track.codec_context.codec.canonical_name,
            audio_num_channels=track.codec_context.channels,
        )


def duration_of(container: InputContainer, track: AudioStream, mime_type: str) -> float:
    """Seconds, by the packets, since a header may be a guess; both ends are decoded.

    Raises:
        MediaError: the header promises more than there is.
    """
    found = survey(container, track)
    stated = stated_duration(container, track)
    if mime_type not in GUESSED and stated > found.duration + SLACK:
        raise MediaError(
            f"the recording is truncated: {found.duration:,.1f} s of {stated:,.1f} s are there"
        )
    check_decodes(track, found)
    return found.duration


def bit_depth(track: AudioStream) -> int | None:
    """Bits of a stored sample; lossy codecs have none."""
    name, header = track.codec_context.codec.canonical_name, track.codec_context.extradata or b""
    if name == "flac" and len(header) >= 14:
        return ((header[12] & 1) << 4 | header[13] >> 4) + 1
    if name == "alac" and len(header) >= 18:
        return header[17]
    bits = re.match(r"pcm_[sufS](\d+)", name)
    return int(bits[1]) if bits else None
