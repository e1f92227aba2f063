"""The process that writes films for an `Encoder`: requests a line in, answers a line out, within limits."""

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from gateway.media.child import allow, confine, private_output, send
from gateway.media.facts import MediaError
from gateway.media.films import FORMATS, Format, frame_of, picture_track, writing

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
    """One of: finished; refused, with the reason; fault, if a file could not be reached; exhausted, of memory."""
    try:
        film(request, more, output)
    except MediaError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"exhausted": True}
    except OSError as error:
        return {"fault": f"{type(error).__name__}: {error}"}
    return {"finished": True}


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
