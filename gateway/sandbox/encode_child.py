"""The child process of an `Encoder`: it encodes one video, as the first line that it reads says."""

import errno
import json
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import av

from gateway.media.errors import MediaError
from gateway.media.playability import plays_in_browsers
from gateway.media.transcoding import transcode
from gateway.media.video_formats import VIDEO_FORMATS, SourceVideo
from gateway.media.video_writer import add_video_track, frame_from_image, open_output
from gateway.sandbox.child_runtime import allow_cpu, answer_of, confine, private_output, send

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk without room."""
REPORT_INTERVAL = 0.5
"""Seconds between two reports of the progress."""
Requests = Iterator[dict[str, Any]]


def main(seconds: int, memory: int, max_file_size: int) -> None:
    """Encode the video that the first line requests, and end.

    Args:
        seconds: CPU time for the whole video.
        memory: Bytes of memory that encoding may take.
        max_file_size: Bytes that the video may have.
    """
    output = private_output()
    is_isolated = confine(memory, max_file_size)
    allow_cpu(seconds)
    send(output, {"ready": True, "isolated": is_isolated})
    requests = (json.loads(line) for line in sys.stdin.buffer)
    first = next(requests)
    if "source" in first:
        send(output, answer_of(partial(reencode, first, output)))
    else:
        send(output, answer_of(partial(encode_frames, first, requests, output)))


def reencode(request: dict[str, Any], output: BinaryIO) -> dict[str, object]:
    """Re-encode a video, unless browsers play it already and the request does not insist.

    Raises:
        MediaError: The video cannot be decoded or encoded.
    """
    last_report = 0.0
    source = SourceVideo(**{**request["source"], "path": Path(request["source"]["path"])})
    if not request["force"] and plays_in_browsers(source.path, source.mime_type):
        return {"playable": True}

    def report(progress: float) -> None:
        nonlocal last_report
        if time.monotonic() > last_report + REPORT_INTERVAL:
            last_report = time.monotonic()
            send(output, {"progress": progress})

    try:
        transcode(source, Path(request["target"]), VIDEO_FORMATS[request["format"]], report)
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise  # which is not the fault of the video
        raise MediaError(f"the video cannot be re-encoded: {error.strerror}") from None
    return {"finished": True}


def encode_frames(
    request: dict[str, Any], requests: Requests, output: BinaryIO
) -> dict[str, object]:
    """Encode a video from images, each of which is requested when the one before is encoded."""
    video_format = VIDEO_FORMATS[request["format"]]
    size = request["width"], request["height"]
    with open_output(Path(request["target"]), video_format) as container:
        track = add_video_track(container, video_format, Fraction(request["rate"]), size)
        for frame in requests:
            if "frame" not in frame:
                break
            for packet in track.encode(frame_from_image(Path(frame["frame"]), size)):
                container.mux(packet)
            send(output, {"encoded": True})
        for packet in track.encode():
            container.mux(packet)
    return {"finished": True}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
