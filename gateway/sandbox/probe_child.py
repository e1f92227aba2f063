"""The child process of a `Prober`: it probes one file for each line that it reads."""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from gateway.kinds.item_kinds import StorageItemType
from gateway.media.probe import probe
from gateway.media.ranged import RangedFile
from gateway.sandbox.child_runtime import allow_cpu, answer_of, confine, private_output, send


def main(seconds: int, memory: int) -> None:
    """Answer requests until standard input ends.

    Args:
        seconds: CPU time for each file.
        memory: Bytes of memory that a file may take.
    """
    output = private_output()
    confine(memory)
    send(output, {"ready": True})
    for line in sys.stdin.buffer:
        allow_cpu(seconds)
        request = json.loads(line)
        send(output, answer_of(partial(probe_requested, output, request)))


def probe_requested(output: BinaryIO, request: dict[str, Any]) -> dict[str, object]:
    """Return the facts of the requested file; raise as `probe` does."""
    file = (
        Path(request["path"])
        if "path" in request
        else RangedFile(request["size"], partial(fetch, output))
    )
    named = request["item_type"]
    item_type = None if named is None else StorageItemType(named)
    return {"facts": asdict(probe(file, item_type, request["name"]))}


def fetch(output: BinaryIO, start: int, stop: int) -> bytes:
    """Return a range of the file from the parent, which sends its length and then the bytes."""
    send(output, {"needs": [start, stop]})
    return sys.stdin.buffer.read(json.loads(sys.stdin.buffer.readline())["bytes"])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
