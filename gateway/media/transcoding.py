"""Re-encodes videos so that every browser plays them: upright, at a constant rate, with sound."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

from gateway.media.container import is_decodable, open_container
from gateway.media.errors import MediaError
from gateway.media.video_formats import VideoFormat, round_up_to_even
from gateway.media.video_writer import add_video_track, open_output

MAX_RATE, MIN_RATE, DEFAULT_RATE = Fraction(120), Fraction(1), Fraction(25)
AUDIO_RATE = 48_000


class ConstantRate:
    """Numbers frames at a constant rate: repeats slow ones, and drops those that come too fast."""

    def __init__(self, rate: Fraction, max_frames: int) -> None:
        self._rate = rate
        self._max_frames = max_frames
        self._last: av.VideoFrame | None = None
        self.count = 0

    def frames_until(self, seconds: float, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Yield the frames up to that time, of which this frame is the last if it is on time."""
        number = min(round(seconds * self._rate), self._max_frames)
        while self._last is not None and self.count < number:
            yield self._numbered(self._last)
        if self.count <= number:
            yield self._numbered(frame)
        self._last = frame

    def _numbered(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame.pts, frame.time_base = self.count, 1 / self._rate
        self.count += 1
        return frame


def transcode(
    source: Path,
    mime_type: str,
    target: Path,
    video_format: VideoFormat,
    duration: float,
    report: Callable[[float], None],
) -> None:
    """Re-encode a video.

    Args:
        source: The video.
        mime_type: Its MIME type.
        target: The file to write.
        video_format: The format to encode to.
        duration: Expected duration in seconds.
        report: Called with the progress from 0 to 1.

    Raises:
        MediaError: The video cannot be decoded.
    """
    with (
        open_container(source, mime_type) as container,
        open_output(target, video_format) as output,
    ):
        video: Any = next(filter(is_decodable, container.streams.video), None)
        audio: Any = next(filter(is_decodable, container.streams.audio), None)
        if video is None:
            raise MediaError("the file has no video track that can be decoded")
        video.thread_type = "AUTO"
        writer = _Writer(output, video_format, target_rate(video), duration, audio is not None)
        for packet in container.demux([track for track in (video, audio) if track]):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    report(min(1.0, writer.write_video(frame) / duration))
                else:
                    writer.write_audio(frame)
        writer.finish()


def target_rate(track: Any) -> Fraction:
    """Return a frame rate close to that of the track, within bounds."""
    rate = Fraction(track.average_rate or track.guessed_rate or DEFAULT_RATE)
    return min(max(rate.limit_denominator(1001), MIN_RATE), MAX_RATE)


class _Writer:
    """Writes a video, whose tracks are added when the first frame shows its size."""

    def __init__(
        self,
        output: OutputContainer,
        video_format: VideoFormat,
        rate: Fraction,
        duration: float,
        has_audio: bool,
    ) -> None:
        self._output = output
        self._format = video_format
        self._rate = rate
        self._constant_rate = ConstantRate(rate, math.ceil((duration + 1) * rate))
        self._has_audio = has_audio
        self._video: Any = None
        self._audio: Any = None
        self._start = 0.0
        self._early_audio: list[Any] = []

    def write_video(self, frame: av.VideoFrame) -> float:
        """Encode a frame and return its time in seconds."""
        upright = rotate_upright(frame)
        if self._video is None:
            self._add_tracks(frame.time or 0.0, upright)
        seconds = max(0.0, (frame.time or 0.0) - self._start)
        # Frames may change their size in the middle of a video; the track cannot.
        size = {"width": self._video.width, "height": self._video.height}
        sized = upright.reformat(format="yuv420p", dst_colorspace="ITU709", **size)
        for each in self._constant_rate.frames_until(seconds, sized):
            self._output.mux(self._video.encode(each))
        return seconds

    def write_audio(self, frame: Any) -> None:
        """Encode audio, except for what precedes the first video frame."""
        if self._video is None:
            self._early_audio.append(frame)
        elif self._audio and frame.time is not None and frame.time >= self._start:
            frame.pts -= round(self._start / frame.time_base)
            self._output.mux(self._audio.encode(frame))

    def finish(self) -> None:
        """Write the frames that the encoders have buffered.

        Raises:
            MediaError: No frame was written.
        """
        if self._video is None:
            raise MediaError("no frame of the video can be decoded")
        for track in filter(None, (self._video, self._audio)):
            self._output.mux(track.encode(None))

    def _add_tracks(self, start: float, frame: av.VideoFrame) -> None:
        """Add the tracks of a video that begins with this frame, and write the early audio."""
        self._start = start
        size = round_up_to_even(frame.width), round_up_to_even(frame.height)
        self._video = add_video_track(self._output, self._format, self._rate, size)
        if self._has_audio:
            self._audio = self._output.add_stream(self._format.audio_encoder, rate=AUDIO_RATE)
            self._audio.layout = "stereo"
        early, self._early_audio = self._early_audio, []
        for each in early:
            self.write_audio(each)


def rotate_upright(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a frame as it should be seen; phones record the rotation instead of rotating."""
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    if not turns:
        return frame
    pixels: Any = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
    rotated = av.VideoFrame.from_ndarray(pixels, "rgb24")
    rotated.pts, rotated.time_base = frame.pts, frame.time_base
    return rotated
