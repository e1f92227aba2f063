"""The process that reads files for a `Prober`: a request a line in, an answer a line out, within limits."""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from gateway.kinds.enums import StorageItemType
from gateway.media.facts import MediaError
from gateway.media.probe import probe
from gateway.media.ranged import RangedFile

# What the interpreter and all media libraries map before they have seen a file (300 MB measured), with room to spare.
LIBRARIES = 512 << 20
# Enough to let the interpreter cache the libraries' byte code, too little to do harm.
LONGEST_FILE = 1 << 20
PR_SET_PDEATHSIG = 1


def main(seconds: int, memory: int) -> None:
    """Answer until standard input ends.

    Args:
        seconds: CPU time for one file.
        memory: bytes that a file may take.
    """
    output = private_output()
    confine(memory)
    send(output, {"ready": True})
    for line in sys.stdin.buffer:
        allow(seconds)
        send(output, answer(output, json.loads(line)))


def private_output() -> BinaryIO:
    """Standard output, for answers alone: what a library prints goes nowhere. Nothing else stays open."""
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    output = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return output


def send(output: BinaryIO, message: dict[str, object]) -> None:
    """One line."""
    output.write(json.dumps(message).encode() + b"\n")
    output.flush()


def confine(memory: int, longest: int = LONGEST_FILE) -> None:
    """Make sure that a hostile or unlucky file harms nobody but itself, and that nothing outlives the parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(5)
    lower(resource.RLIMIT_AS, LIBRARIES + memory)
    lower(resource.RLIMIT_FSIZE, longest)
    lower(resource.RLIMIT_CORE, 0)


def allow(seconds: int) -> None:
    """CPU time for one more file; the parent's clock is the sharper limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    lower(resource.RLIMIT_CPU, round(used.ru_utime + used.ru_stime) + seconds + 1)


def lower(limit: int, value: int) -> None:
    """Set the soft limit, as far as the hard one lets us."""
    hard = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def fetched(output: BinaryIO, start: int, stop: int) -> bytes:
    """A part of the file, for which the parent is asked; it answers with a line that says how much, and that much."""
    send(output, {"wants": [start, stop]})
    return sys.stdin.buffer.read(json.loads(sys.stdin.buffer.readline())["bytes"])


def answer(output: BinaryIO, request: dict[str, Any]) -> dict[str, object]:
    """The facts of a file, or why there are none."""

    def facts() -> dict[str, object]:
        file = (
            Path(request["path"])
            if "path" in request
            else RangedFile(request["size"], partial(fetched, output))
        )
        return {
            "facts": asdict(probe(file, StorageItemType(request["item_type"]), request["name"]))
        }

    return outcome(facts)


def outcome(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """What work gives; or refused, with the reason; fault, if a file could not be reached; exhausted, of memory."""
    try:
        return work()
    except MediaError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"exhausted": True}
    except OSError as error:
        return {"fault": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
