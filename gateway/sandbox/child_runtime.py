"""The child's side of a child process: its resource limits, its private output, and its answers."""

import ctypes
import json
import os
import resource
import signal
from collections.abc import Callable
from typing import BinaryIO

from gateway.media.errors import MediaError

# Address space that interpreter and media libraries take up (300 MB measured), with some reserve.
LIBRARIES = 512 << 20
# Enough for the interpreter to cache byte code, too little to do harm.
MAX_FILE_SIZE = 1 << 20
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
DEFAULT_NICENESS = 5


def private_output() -> BinaryIO:
    """Return standard output for answers alone, and close or silence everything else.

    Whatever a library prints goes to /dev/null, and no inherited file stays open.
    """
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    output = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    return output


def confine(
    memory: int, max_file_size: int = MAX_FILE_SIZE, niceness: int = DEFAULT_NICENESS
) -> bool:
    """Limit what this process can use up and reach, and let it die with its parent.

    It never gets rights that it does not have, and has a network without interfaces. Returns
    whether the kernel allows the latter.

    Args:
        memory: Bytes of memory, besides those of the libraries.
        max_file_size: Bytes of the longest file that it may write.
        niceness: How far it lets other processes go first, from 0 to 19.
    """
    libc = ctypes.CDLL(None)
    # Users other than root need a user namespace first, if the kernel lets them have one.
    is_isolated = any(
        libc.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET)
    )
    die_with_parent()  # which the other call resets
    os.nice(niceness)
    _lower(resource.RLIMIT_AS, LIBRARIES + memory)
    _lower(resource.RLIMIT_FSIZE, max_file_size)
    _lower(resource.RLIMIT_CORE, 0)
    return is_isolated


def die_with_parent() -> None:
    """Let this process die with its parent, and never get rights that it does not have."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def allow_cpu(seconds: int) -> None:
    """Allow so many more seconds of CPU time; the parent enforces a shorter limit by the clock."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, round(usage.ru_utime + usage.ru_stime) + seconds + 1)


def _lower(limit: int, value: int) -> None:
    """Set a soft limit, but not above the hard one."""
    hard = resource.getrlimit(limit)[1]
    resource.setrlimit(limit, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def send(output: BinaryIO, message: dict[str, object], data: bytes = b"") -> None:
    """Send a message to the parent, followed by raw bytes if the message announces any."""
    output.write(json.dumps(message).encode() + b"\n" + data)
    output.flush()


def answer_of(function: Callable[[], dict[str, object]]) -> dict[str, object]:
    """Return the result of a function, or a message that reports the error which it raised."""
    try:
        return function()
    except MediaError as error:
        return {"media_error": str(error)}
    except MemoryError:
        return {"memory_error": True}
    except OSError as error:
        return {"os_error": f"{type(error).__name__}: {error}", "errno": error.errno}
