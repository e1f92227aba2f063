"""The parent's side of a child process: start it, exchange messages with it, and kill it.

A child runs one module of this project. It takes requests on standard input and answers on standard
output, one JSON object a line; bytes that it needs follow the line that announces them.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

import structlog

log = structlog.get_logger()
SECONDS_TO_START = 30
MAX_MESSAGE = 64 << 20
"""Bytes of a message, of which the tags of a DICOM file take up most."""
SECONDS_TO_END = 5
"""Time in which a process that closed its output has to end."""
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
PROJECT_ROOT = Path(__file__).parents[2]
# A process that reads untrusted files gets neither keys nor database addresses.
INHERITED_VARIABLES = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TMPDIR",
)
# Threads would use up the limited address space; several children keep the cores busy anyway.
SINGLE_THREADED = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Signals that a process gets for what it does itself, or for a limit that it exceeds.
_OWN_SIGNALS = {
    Signals.SIGABRT,
    Signals.SIGBUS,
    Signals.SIGFPE,
    Signals.SIGILL,
    Signals.SIGSEGV,
    Signals.SIGSYS,
    Signals.SIGTRAP,
    Signals.SIGXCPU,
    Signals.SIGXFSZ,
}


class ChildKilled(Exception):
    """A child process was killed from outside: by someone, or by the kernel for want of memory.

    Attributes:
        had_file: Whether it was working on a file, which can be to blame if this happens again.
    """

    def __init__(self, *, had_file: bool) -> None:
        work = "worked on a file" if had_file else "started"
        super().__init__(f"The child process was killed from outside while it {work}.")
        self.had_file = had_file


class ChildProcess:
    """A process that runs one module and answers requests."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.request_count = 0
        self.is_isolated = False
        """Whether the process has a network of its own."""

    @classmethod
    async def start(
        cls, module: str, *arguments: int, inherited: Collection[str] = ()
    ) -> "ChildProcess":
        """Start a process and wait until it is ready.

        `inherited` are variables of the environment that it gets besides the usual ones.

        Raises:
            ChildKilled: The process was killed from outside before it was ready.
            OSError: The process did not start, which is not the fault of any file.
        """
        command = ("-P", "-m", module, *map(str, arguments))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdin=PIPE,
            stdout=PIPE,
            cwd="/",
            env=child_environment(*inherited),
            limit=MAX_MESSAGE,
        )
        child = cls(process)
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                if "ready" in (greeting := await child.receive()):
                    child.is_isolated = greeting.get("isolated", False)
                    if "isolated" in greeting:
                        _note_isolation(isolated=child.is_isolated)
                    return child
            if "killed" in greeting:
                raise ChildKilled(had_file=False)
            raise OSError(f"The child process {module} does not start; see standard error.")
        except BaseException:
            await child.kill()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def memory(self) -> int:
        """Bytes of memory that the process takes up; 0 once it has ended."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return 0
        return int(pages) * PAGE_SIZE

    @property
    def is_running(self) -> bool:
        """Return whether the process can take another request."""
        return self._process.returncode is None

    async def request(self, message: Mapping[str, Any], data: bytes = b"") -> dict[str, Any]:
        """Send a message, as `send` does, and return the answer; see `receive`."""
        self.request_count += 1
        await self.send(message, data)
        return await self.receive()

    async def send(self, message: Mapping[str, Any], data: bytes = b"") -> None:
        """Send a message, followed by raw bytes if the message announces any."""
        assert self._process.stdin is not None  # it is a pipe
        with suppress(ConnectionError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n" + data)
            await self._process.stdin.drain()

    async def receive(self) -> dict[str, Any]:
        """Return the next message of the process, or how it has died.

        That is `killed` if it was killed from outside, `cpu_limit` if it used up its CPU time, and
        nothing if it crashed.
        """
        assert self._process.stdout is not None  # it is a pipe
        line = b""
        with suppress(ConnectionError):  # under uvloop a pipe is a socket
            line = await self._process.stdout.readline()
        if line.endswith(b"\n"):
            return dict(json.loads(line))
        number = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_END):
                number = -await self._process.wait()
        if number == Signals.SIGXCPU:
            return {"cpu_limit": True}
        return {"killed": True} if number > 0 and number not in _OWN_SIGNALS else {}

    async def receive_data(self, length: int) -> bytes:
        """Return bytes that a message announced.

        Raises:
            IncompleteReadError: The process died before it had sent them all.
        """
        assert self._process.stdout is not None  # it is a pipe
        return await self._process.stdout.readexactly(length)

    async def kill(self) -> None:
        """Kill the process and wait for its end."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                # asyncio's own kill() may take the exit status away from its child watcher.
                os.kill(self._process.pid, SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


@cache
def _note_isolation(*, isolated: bool) -> None:
    """Log, once, if children share the network of this machine."""
    if not isolated:
        log.warning(
            "children_share_network",
            advice="Allow user namespaces for processes without rights, if you can.",
        )


def child_environment(*more: str) -> dict[str, str]:
    """Return the environment of a child, in which it finds this package where its parent did."""
    names = (*INHERITED_VARIABLES, *more)
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    paths = filter(None, (str(PROJECT_ROOT), inherited.get("PYTHONPATH")))
    return {**inherited, **SINGLE_THREADED, "PYTHONPATH": os.pathsep.join(paths)}
