"""The process that writes films for an `Encoder`: requests a line in, answers a line out, within limits."""

import json
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av

from gateway.media.facts import MediaError
from gateway.media.films import frame_of, picture_track, writing
from gateway.media.fitness import is_fit
from gateway.media.formats import FORMATS, Format
from gateway.media.transcoding import transcode
from gateway.sandbox.child import allow, confine, outcome, private_output, send

BETWEEN_REPORTS = 0.5
"""Seconds between two words about how much is done."""
Requests = Iterator[dict[str, Any]]


def main(seconds: int, memory: int, longest: int) -> None:
    """Do what the first line asks for, and end.

    Args:
        seconds: CPU time for the whole film.
        memory: bytes that it may take.
        longest: bytes that the film may have.
    """
    output = private_output()
    confine(memory, longest)
    allow(seconds)
    send(output, {"ready": True})
    requests = (json.loads(line) for line in sys.stdin.buffer)
    send(output, answer(next(requests), requests, output))


def answer(request: dict[str, Any], more: Requests, output: BinaryIO) -> dict[str, object]:
    """That it is finished, or fit, if nothing need be done; or why there is no film."""

    def made() -> dict[str, object]:
        if "source" in request:
            return {"finished": True} if recoded(request, output) else {"fit": True}
        film(request, more, output)
        return {"finished": True}

    return outcome(made)


def recoded(request: dict[str, Any], output: BinaryIO) -> bool:
    """A film made anew of another, unless that is fit already and nobody insists; whether it was made."""
    source, said = Path(request["source"]), 0.0
    if not request["force"] and is_fit(source, request["mime_type"]):
        return False

    def report(progress: float) -> None:
        nonlocal said
        if time.monotonic() > said + BETWEEN_REPORTS:
            said = time.monotonic()
            send(output, {"progress": progress})

    try:
        transcode(
            source,
            request["mime_type"],
            Path(request["film"]),
            FORMATS[request["format"]],
            request["duration"],
            report,
        )
    except av.FFmpegError as error:
        raise MediaError(f"the film cannot be made anew: {error.strerror}") from None
    return True


def film(request: dict[str, Any], frames: Requests, output: BinaryIO) -> None:
    """A film of pictures, each in a file of its own that is named when the one before has been taken in."""
    kind: Format = FORMATS[request["format"]]
    size = request["width"], request["height"]
    rate = Fraction(request["rate"])
    with writing(Path(request["film"]), kind) as container:
        track = picture_track(container, kind, rate, size)
        for frame in frames:
            if "frame" not in frame:
                break
            for packet in track.encode(frame_of(Path(frame["frame"]), size)):
                container.mux(packet)
            send(output, {"taken": True})
        for packet in track.encode():
            container.mux(packet)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
