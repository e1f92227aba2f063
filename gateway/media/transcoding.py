"""Films that every browser plays, made of films that some do not: at a constant rate, upright, with their sound."""

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

from gateway.media.container import opened, usable
from gateway.media.facts import MediaError
from gateway.media.films import picture_track, writing
from gateway.media.formats import Format, even

FASTEST, SLOWEST, USUAL = Fraction(120), Fraction(1), Fraction(25)
SOUND_RATE = 48_000
Report = Callable[[float], None]
"""Is told how much is done, from 0 to 1."""


class Steady:
    """Pictures at a constant rate: repeated where they last, left out where they come too fast."""

    def __init__(self, rate: Fraction, most: int) -> None:
        self._rate = rate
        self._most = most
        self._last: av.VideoFrame | None = None
        self.count = 0

    def at(self, seconds: float, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """What is to be shown up to this picture, and perhaps itself."""
        place = min(round(seconds * self._rate), self._most)
        while self._last is not None and self.count < place:
            yield self._numbered(self._last)
        if self.count <= place:
            yield self._numbered(frame)
        self._last = frame

    def _numbered(self, frame: av.VideoFrame) -> av.VideoFrame:
        frame.pts, frame.time_base = self.count, 1 / self._rate
        self.count += 1
        return frame


def transcode(
    source: Path, mime_type: str, target: Path, kind: Format, duration: float, report: Report
) -> None:
    """Write the film anew; `duration` in seconds is what it should have.

    Raises:
        MediaError: it cannot be decoded.
    """
    with opened(source, mime_type) as container, writing(target, kind) as output:
        pictures: Any = next(filter(usable, container.streams.video), None)
        sounds: Any = next(filter(usable, container.streams.audio), None)
        if pictures is None:
            raise MediaError("the file has no picture track that can be decoded")
        pictures.thread_type = "AUTO"
        writer = _Writer(output, kind, rate_of(pictures), duration, sounds is not None)
        for packet in container.demux([track for track in (pictures, sounds) if track]):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    report(min(1.0, writer.show(frame) / duration))
                else:
                    writer.sound(frame)
        writer.end()


def rate_of(track: Any) -> Fraction:
    """The rate at which a film is written: about that which it has, if that makes sense."""
    rate = Fraction(track.average_rate or track.guessed_rate or USUAL).limit_denominator(1001)
    return min(max(rate, SLOWEST), FASTEST)


class _Writer:
    """The new film; its tracks are made when the first picture says how large they are."""

    def __init__(
        self,
        output: OutputContainer,
        kind: Format,
        rate: Fraction,
        duration: float,
        has_sound: bool,
    ) -> None:
        self._output = output
        self._kind = kind
        self._rate = rate
        self._steady = Steady(rate, math.ceil((duration + 1) * rate))
        self._has_sound = has_sound
        self._pictures: Any = None
        self._sounds: Any = None
        self._start = 0.0
        self._waiting: list[Any] = []

    def show(self, frame: av.VideoFrame) -> float:
        """Write a picture; its moment in seconds."""
        upright = _upright(frame)
        if self._pictures is None:
            self._begin(frame, upright)
        seconds = max(0.0, (frame.time or 0.0) - self._start)
        for one in self._steady.at(seconds, self._fitting(upright)):
            self._output.mux(self._pictures.encode(one))
        return seconds

    def sound(self, frame: Any) -> None:
        """Write some sound, once there are pictures; what comes before the first of them is not heard."""
        if self._pictures is None:
            self._waiting.append(frame)
        elif self._sounds and frame.time is not None and frame.time >= self._start:
            frame.pts -= round(self._start / frame.time_base)
            self._output.mux(self._sounds.encode(frame))

    def end(self) -> None:
        """Write what the encoders still have.

        Raises:
            MediaError: there was not one picture.
        """
        if self._pictures is None:
            raise MediaError("not one picture of the film can be decoded")
        for track in filter(None, (self._pictures, self._sounds)):
            self._output.mux(track.encode(None))

    def _begin(self, frame: av.VideoFrame, upright: av.VideoFrame) -> None:
        self._start = frame.time or 0.0
        self._pictures = picture_track(
            self._output, self._kind, self._rate, (even(upright.width), even(upright.height))
        )
        if self._has_sound:
            self._sounds = self._output.add_stream(self._kind.sound, rate=SOUND_RATE)
            self._sounds.layout = "stereo"
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            self.sound(one)

    def _fitting(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture as the track holds it, whatever size it has in the middle of the film."""
        size = {"width": self._pictures.width, "height": self._pictures.height}
        return frame.reformat(format="yuv420p", dst_colorspace="ITU709", **size)


def _upright(frame: av.VideoFrame) -> av.VideoFrame:
    """The picture as a viewer should see it: phones note how they were held, and turn nothing."""
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    if not turns:
        return frame
    pixels: Any = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
    turned = av.VideoFrame.from_ndarray(pixels, "rgb24")
    turned.pts, turned.time_base = frame.pts, frame.time_base
    return turned
