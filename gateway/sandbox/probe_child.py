"""The child process of a `Prober`: it probes, draws or edits a file for each line that it reads."""

import json
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from gateway.kinds.item_kinds import StorageItemType
from gateway.media.drawing.frames import Drawing, NoSuchFrame
from gateway.media.probe import probe
from gateway.media.ranged import RangedFile
from gateway.sandbox.child_runtime import allow_cpu, answer_of, confine, private_output, send


def main(seconds: int, memory: int, niceness: int, max_file_size: int) -> None:
    """Answer requests until standard input ends.

    Args:
        seconds: CPU time for each file.
        memory: Bytes of memory that a file may take.
        niceness: How far the process lets others go first.
        max_file_size: Bytes of a file that it may write.
    """
    output = private_output()
    is_isolated = confine(memory, max_file_size, niceness)
    send(output, {"ready": True, "isolated": is_isolated})
    for line in sys.stdin.buffer:
        allow_cpu(seconds)
        request = json.loads(line)
        pictures: list[bytes] = []
        answer = answer_of(partial(answer_request, output, request, pictures))
        send(output, answer, b"".join(pictures))


def answer_request(
    output: BinaryIO, request: dict[str, Any], pictures: list[bytes]
) -> dict[str, object]:
    """Return the facts of the requested file, or draw it if a frame is requested, or edit it.

    Thumbnails are added to `pictures`. Raises as `probe`, `draw` and `apply_edit` do.
    """
    file = (
        Path(request["path"])
        if "path" in request
        else RangedFile(
            request["size"], partial(fetch, output), sys.stdin.buffer.read(request["head"])
        )
    )
    if "edit" in request:
        return edit_file(file, request)
    named = request["item_type"]
    item_type = None if named is None else StorageItemType(named)
    if item_type is None or "frame" not in request:
        arguments = (request[name] for name in ("name", "parsing", "declared_type"))
        return {"facts": probe(file, item_type, *arguments).for_json()}
    # Imported here, as most children only probe.
    thumbnails = import_module("gateway.media.drawing.thumbnails")
    try:
        drawing: Drawing = thumbnails.draw(file, item_type, request["frame"], request["reading"])
    except NoSuchFrame:
        return {"no_such_frame": True}
    pictures += drawing.thumbnails.values()
    sizes = {size: len(data) for size, data in drawing.thumbnails.items()}
    return {"drawn": [drawing.width, drawing.height], "sizes": sizes}


def edit_file(file: Path | RangedFile, request: dict[str, Any]) -> dict[str, object]:
    """Write an edited copy of a local DICOM file, or return its UIDs if there is no target."""
    assert isinstance(file, Path)
    edits = import_module("gateway.dicom.rewriting.edits")
    with file.open("rb") as source:
        size = file.stat().st_size
        if not request["target"]:
            return {"uids": edits.find_uids(source, size)}
        with Path(request["target"]).open("wb") as target:
            try:
                edits.apply_edit(request["edit"], source, size, target)
            except edits.BurnedInText as error:
                return {"burned_in": str(error)}
    return {"edited": True}


def fetch(output: BinaryIO, start: int, stop: int) -> bytes:
    """Return a range of the file from the parent, which sends its length and then the bytes."""
    send(output, {"needs": [start, stop]})
    return sys.stdin.buffer.read(json.loads(sys.stdin.buffer.readline())["bytes"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
