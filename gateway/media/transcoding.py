"""Re-encodes videos so that every browser plays them: upright, with sound, frame by frame."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.reformatter import Colorspace, VideoReformatter

from gateway.media.container import Track, is_decodable, open_container, time_unit, video_track
from gateway.media.decoded_pictures import decode_packet
from gateway.media.display import orientation_of, turn_upright
from gateway.media.errors import MediaError
from gateway.media.image import TURNED_SIDEWAYS
from gateway.media.pictures import MAX_JUMP, RESETTABLE_CLOCKS, survey_pictures
from gateway.media.video_formats import SourceVideo, VideoFormat, round_up_to_even
from gateway.media.video_writer import add_video_track, open_output

DEFAULT_RATE = Fraction(25)
AUDIO_RATE = 48_000
TICKS = 90_000
"""Units of time in a second; common frame rates are whole numbers of them."""
MIN_STEP = TICKS // 1000
"""Ticks between two frames at least: WebM cannot tell apart what is closer."""
TOLERANCE = 1
"""Frames that a version may have more or less than the original."""


class ContinuousClock:
    """The times of a track, which go on where the clock of a cut and joined stream was set anew."""

    def __init__(self, track: Track, may_jump: bool) -> None:
        self._unit = time_unit(track)
        self._may_jump = may_jump
        self._shift = 0.0
        self._last: float | None = None
        self._step = 0.0

    def seconds(self, frame: Any) -> float:
        """Return the time of the next frame, in the order in which frames are shown."""
        last = 0.0 if self._last is None else self._last
        following = last + self._step
        time = following if frame.pts is None else frame.pts * self._unit + self._shift
        if self._may_jump and self._last is not None and not 0 <= time - last <= MAX_JUMP:
            self._shift += following - time
            time = following
        if isinstance(frame, av.AudioFrame):
            self._step = frame.samples / frame.sample_rate
        elif self._last is not None:
            self._step = max(time - last, 0.0)
        self._last = time
        return time


def transcode(
    source: SourceVideo,
    target: Path,
    video_format: VideoFormat,
    report: Callable[[float], None],
) -> None:
    """Re-encode a video. Each of its frames is in the result once, at its own time.

    Args:
        source: The video.
        target: The file to write.
        video_format: The format to encode to.
        report: Called with the progress from 0 to 1.

    Raises:
        MediaError: The video cannot be decoded, or the result has not as many frames.
    """
    with (
        open_container(source.path, source.mime_type) as container,
        open_output(target, video_format) as output,
    ):
        video: Any = video_track(container)
        audio: Any = next(filter(is_decodable, container.streams.audio), None)
        video.thread_type = "AUTO"
        may_jump = container.format.name in RESETTABLE_CLOCKS
        clocks = {track: ContinuousClock(track, may_jump) for track in (video, audio) if track}
        writer = _Writer(output, video_format, source, video.sample_aspect_ratio, audio is not None)
        for packet in container.demux(list(clocks)):
            for frame in decode_packet(packet):
                seconds = clocks[packet.stream].seconds(frame)
                if isinstance(frame, av.VideoFrame):
                    writer.write_video(frame, seconds)
                    report(min(1.0, seconds / source.duration) if source.duration else 0.0)
                else:
                    writer.write_audio(frame, seconds)
        writer.finish()
    if source.frame_count is not None:
        check_frame_count(writer.frame_count, source.frame_count)
    with open_container(target, video_format.mime_type) as container:
        count = survey_pictures(container, container.streams.video[0], target).count
    check_frame_count(count, writer.frame_count)


def check_frame_count(count: int, expected: int) -> None:
    """Compare the number of frames of a re-encoded version with that of the original.

    Raises:
        MediaError: They differ by more than one.
    """
    if abs(count - expected) > TOLERANCE:
        raise MediaError(
            f"the re-encoded version would have {count:,} frames instead of {expected:,}"
        )


class _Writer:
    """Writes a video, whose tracks are added when the first frame shows its size.

    A frame is encoded when the next one tells how long it is shown.
    """

    def __init__(
        self,
        output: OutputContainer,
        video_format: VideoFormat,
        source: SourceVideo,
        pixel_aspect: Fraction | None,
        has_audio: bool,
    ) -> None:
        self._output = output
        self._format = video_format
        self._rate = Fraction(source.fps or DEFAULT_RATE).limit_denominator(1001)
        self._duration = source.duration or 0.0
        self._pixel_aspect = pixel_aspect
        self._has_audio = has_audio
        self._video: Any = None
        self._audio: Any = None
        self._to_rgb, self._to_yuv = VideoReformatter(), VideoReformatter()
        self._start = 0.0
        self._early_audio: list[tuple[Any, float]] = []
        self._durations: dict[int, int] = {}
        self._waiting: av.VideoFrame | None = None
        self.frame_count = 0

    def write_video(self, frame: av.VideoFrame, seconds: float) -> None:
        """Encode a frame that is shown at that time."""
        orientation = orientation_of(frame)
        upright = turn_upright(frame, orientation, self._to_rgb)
        if self._video is None:
            self._add_tracks(seconds, upright, orientation in TURNED_SIDEWAYS)
        # Frames may change their size in the middle of a video; the track cannot.
        size = {"width": self._video.width, "height": self._video.height}
        sized = self._to_yuv.reformat(
            upright, format="yuv420p", dst_colorspace=Colorspace.ITU709, threads=1, **size
        )
        start = round((seconds - self._start) * TICKS)
        if self._waiting is not None:
            start = max(start, (self._waiting.pts or 0) + MIN_STEP)
            self._encode(self._waiting, start)
        sized.pts, sized.time_base = start, Fraction(1, TICKS)
        self._waiting = sized
        self.frame_count += 1

    def write_audio(self, frame: Any, seconds: float) -> None:
        """Encode audio, except for what precedes the first video frame."""
        if self._video is None:
            self._early_audio.append((frame, seconds))
        elif self._audio and seconds >= self._start:
            frame.pts = round((seconds - self._start) / frame.time_base)
            self._output.mux(self._audio.encode(frame))

    def finish(self) -> None:
        """Write what is left.

        Raises:
            MediaError: There was no frame.
        """
        if self._waiting is None:
            raise MediaError("no frame of the video can be decoded")
        step = round(TICKS / self._rate)
        end = round(self._duration * TICKS)
        shown_last = self._waiting.pts or 0
        self._encode(self._waiting, end if end > shown_last else shown_last + step)
        self._mux_video(self._video.encode(None))
        if self._audio:
            self._output.mux(self._audio.encode(None))

    def _encode(self, frame: av.VideoFrame, end: int) -> None:
        """Encode a frame that is shown until then, in ticks."""
        start = frame.pts or 0
        self._durations[start] = end - start
        self._mux_video(self._video.encode(frame))

    def _mux_video(self, packets: list[Any]) -> None:
        """Write encoded frames; encoders do not pass on how long a frame is shown."""
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, packet.duration)
        self._output.mux(packets)

    def _add_tracks(self, start: float, frame: av.VideoFrame, is_sideways: bool) -> None:
        """Add the tracks of a video that begins with this frame, and write the early audio."""
        self._start = start
        size = frame.width, frame.height
        if self._format.needs_even_size:
            size = round_up_to_even(frame.width), round_up_to_even(frame.height)
        self._video = add_video_track(self._output, self._format, self._rate, size)
        context = self._video.codec_context
        context.time_base = Fraction(1, TICKS)
        if self._pixel_aspect:
            aspect = 1 / self._pixel_aspect if is_sideways else self._pixel_aspect
            context.sample_aspect_ratio = aspect
        if self._has_audio:
            self._audio = self._output.add_stream(self._format.audio_encoder, rate=AUDIO_RATE)
            self._audio.layout = "stereo"
        early, self._early_audio = self._early_audio, []
        for each, seconds in early:
            self.write_audio(each, seconds)
