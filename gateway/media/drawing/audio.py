"""Draws the waveform of audio files."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from gateway.media.container import audio_track, open_container
from gateway.media.decoded_pictures import decode_packet
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import GROUND, Array
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

WIDTH, HEIGHT = 1024, 512
INK = (55, 90, 127)
STEP = 256
"""Samples of which only the lowest and the highest is kept."""
MAX_SECONDS = 1800
"""Audio beyond this is sampled at so many positions as the picture is wide."""


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return the waveform of all channels together, over the whole duration.

    Raises:
        NoSuchFrame: A frame is requested; audio has none.
        MediaError: There is no audio track that can be decoded.
    """
    check_frame(frame, 0)
    with open_container(file, mime_type) as container:
        track = audio_track(container)
        duration = float((track.duration or 0) * (track.time_base or 0)) or (
            (container.duration or 0) / av.time_base
        )
        is_long = duration > MAX_SECONDS
        frames = (
            sample_frames(container, track, duration) if is_long else all_frames(container, track)
        )
        peaks = find_peaks(frames)
    if not len(peaks):
        raise MediaError("the audio cannot be decoded")
    return draw_waveform(peaks)


def all_frames(container: Any, track: Any) -> Iterator[Any]:
    """Yield all frames, passing over packets that cannot be decoded."""
    for packet in container.demux(track):
        yield from decode_packet(packet)


def sample_frames(container: Any, track: Any, duration: float) -> Iterator[Any]:
    """Yield one frame at each of many positions."""
    for column in range(WIDTH):
        position = duration * column / WIDTH / float(track.time_base)
        container.seek((track.start_time or 0) + int(position), stream=track)
        if (frame := next(all_frames(container, track), None)) is not None:
            yield frame


def find_peaks(frames: Iterator[Any]) -> Array:
    """Return the lowest and the highest sample of each step, from -1 to 1."""
    mixer = av.AudioResampler(format="flt", layout="mono")
    parts = []
    for frame in frames:
        frame.pts = None
        for mixed in mixer.resample(frame):
            samples = mixed.to_ndarray().reshape(-1)
            edges = np.arange(0, len(samples), STEP)
            lowest = np.minimum.reduceat(samples, edges)
            highest = np.maximum.reduceat(samples, edges)
            parts.append(np.stack([lowest, highest], axis=-1))
    peaks = np.concatenate(parts) if parts else np.empty((0, 2), np.float32)
    return np.nan_to_num(peaks).clip(-1, 1)


def draw_waveform(peaks: Array) -> Image.Image:
    """Return a picture with a vertical line for each column of pixels."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    pen = ImageDraw.Draw(picture)
    starts = np.arange(WIDTH) * len(peaks) // WIDTH
    loudest = float(np.abs(peaks).max())
    scale = (HEIGHT / 2 - 8) / loudest if loudest > 0.01 else 0.0
    lowest = np.minimum.reduceat(peaks[:, 0], starts) * scale
    highest = np.maximum.reduceat(peaks[:, 1], starts) * scale
    for x, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        pen.line((x, HEIGHT / 2 - high, x, HEIGHT / 2 - low), INK)
    return picture
