"""Decodes still images with FFmpeg, which most images do not need: to import it takes 0.1 s."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import av
from PIL import Image

from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.heif import HeifImage
from gateway.media.image import BROKEN, check_pixel_count
from gateway.media.ranged import ReadableFile


@contextmanager
def broken_if_invalid() -> Iterator[None]:
    """Raise a `MediaError` for data that FFmpeg refuses."""
    try:
        yield
    except av.InvalidDataError:
        raise MediaError(BROKEN) from None


@broken_if_invalid()
def decode_picture(file: ReadableFile, demuxer: str) -> av.VideoFrame:
    """Decode an image of a format that Pillow does not read.

    Raises:
        MediaError: The image has too many pixels, or is broken.
    """
    with file.open("rb") as data, av.open(data, "r", format=demuxer) as container:
        track = container.streams.video[0]
        track.codec_context.thread_count = 1  # threads would use up the memory of a child
        check_pixel_count(track.width, track.height)
        for picture in container.decode(track):
            return picture
    raise MediaError(BROKEN)


@broken_if_invalid()
def decode_heif(file: ReadableFile, image: HeifImage) -> Image.Image:
    """Return the pixels of a picture in RGB, before it is turned.

    FFmpeg decodes the tiles of which phones compose a picture, but does not put them together.

    Raises:
        MediaError: It cannot be decoded, or is broken.
    """
    if not image.is_decodable:
        raise UnsuitableFile("the image is in a codec that is not supported")
    wanted = image.tiles or [image.item]
    canvas, found = Image.new("RGB", (image.width, image.height)), set()
    with file.open("rb") as data, av.open(data, "r", format="mov") as container:
        tracks = [track for track in container.streams.video if track.id in wanted]
        for track in tracks:
            track.codec_context.thread_count = 1  # threads would use up the memory of a child
        for packet in container.demux(tracks):
            for frame in packet.decode():
                tile = image_of(cast(av.VideoFrame, frame))
                for index in (n for n, item in enumerate(wanted) if item == packet.stream.id):
                    row, column = divmod(index, image.columns)
                    canvas.paste(tile, (column * tile.width, row * tile.height))
                found.add(packet.stream.id)
    if found != set(wanted):
        raise MediaError(BROKEN)
    return canvas


def image_of(frame: av.VideoFrame) -> Image.Image:
    """Return a frame in RGB."""
    return Image.fromarray(frame.to_ndarray(format="rgb24"))
