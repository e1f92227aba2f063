"""A small pool of child processes that read media files, so that a bad file costs nothing but itself."""

import asyncio
import json
import math
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Any, Protocol

from gateway.kinds.enums import StorageItemType
from gateway.media.facts import MediaError, MediaFacts

# Libraries leak; a child is replaced after so many files.
FILES_PER_CHILD = 1000
SECONDS_TO_START = 30
# The answers after which a child can go on.
VERDICTS = {"facts", "refused", "fault"}
ROOT = Path(__file__).parents[2]
# Neither keys nor addresses of databases are the business of a process that reads strangers' files.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR")
# Threads would cost address space, of which a child has little; the pool itself keeps the cores busy.
SINGLE_THREADED = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """For one file: seconds by the clock, and memory in bytes; children is how many files are read at a time."""

    seconds: float = 60
    memory: int = 1 << 30
    children: int = field(default_factory=lambda: min(os.cpu_count() or 1, 4))


READER = "gateway.sandbox.child"


class Remote(Protocol):
    """A file that lies elsewhere and stays there; `size` in bytes."""

    @property
    def size(self) -> int:
        """How long it is."""

    async def read(self, start: int, stop: int) -> bytes:
        """Its bytes from `start` up to, not including, `stop`."""


class Child:
    """One process, which runs a module of ours and is asked a line at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.served = 0

    @classmethod
    async def start(cls, module: str, *limits: int) -> "Child":
        """A fresh one, which loads each media library when it first needs it; `limits` are its arguments.

        Raises:
            OSError: it does not start, which is no file's fault.
        """
        arguments = ("-P", "-m", module, *map(str, limits))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=PIPE, stdout=PIPE, cwd="/", env=environment()
        )
        child = cls(process)
        try:
            async with asyncio.timeout(SECONDS_TO_START):
                if "ready" in await child.answer():
                    return child
            raise OSError("the media reader does not start; standard error says why")
        except BaseException:
            await child.kill()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._process.returncode is None and self.served < FILES_PER_CHILD

    async def ask(self, request: bytes) -> dict[str, Any]:
        """Its answer, empty if it dies over the question."""
        self.served += 1
        await self.tell(request)
        return await self.answer()

    async def tell(self, request: bytes) -> None:
        """Say something to which the answer comes later, or never."""
        assert self._process.stdin is not None  # it is a pipe
        with suppress(ConnectionError):
            self._process.stdin.write(request)
            await self._process.stdin.drain()

    async def give(self, data: bytes) -> None:
        """Bytes for which it asked."""
        await self.tell(line({"bytes": len(data)}) + data)

    async def answer(self) -> dict[str, Any]:
        """The next line that it says, empty if it is dead."""
        assert self._process.stdout is not None  # it is a pipe
        line = b""
        with suppress(ConnectionError):  # under uvloop a pipe is a socket
            line = await self._process.stdout.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else {}

    async def kill(self) -> None:
        """End it, whatever it does."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(
                    self._process.pid, SIGKILL
                )  # asyncio's own kill() may snatch the exit status from its watcher
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()


class Prober:
    """Asks `gateway.media.probe` in child processes; they start when they are needed, and stay."""

    def __init__(self, limits: ProbeLimits | None = None) -> None:
        self._limits = limits or ProbeLimits()
        self._places = asyncio.Semaphore(self._limits.children)
        self._children: set[Child] = set()
        self._idle: list[Child] = []
        self._closed = False

    async def probe(self, file: Path | Remote, item_type: StorageItemType, name: str) -> MediaFacts:
        """Read everything that the item's row is to say of the file; waits for a free child first.

        What a remote file raises passes through.

        Raises:
            MediaError: the file is not what it was said to be, or takes too long, or too much; the message says which.
            OSError: the file cannot be reached, or no child can be started, which is not the file's fault.
            RuntimeError: the prober is closed.
        """
        request = request_line(file, item_type, name)
        remote = None if isinstance(file, Path) else file
        async with self._places:
            child = await self._take()
            answer = await self._ask(child, request, remote)
            if not answer.keys() & VERDICTS and child.served > 1 and not self._closed:
                # An earlier file may have left the reader in a bad way, which is not this one's fault.
                answer = await self._ask(await self._start(), request, remote)
        return self._facts(answer)

    async def close(self) -> None:
        """End all children, busy ones too, and wait until the last probe has seen it."""
        self._closed = True
        await asyncio.gather(*(child.kill() for child in self._children))
        for _ in range(self._limits.children):
            await self._places.acquire()
        for _ in range(self._limits.children):
            self._places.release()

    async def _take(self) -> Child:
        """An idle child, or a new one."""
        while self._idle:
            if (child := self._idle.pop()).alive:
                return child
            await self._drop(child)
        return await self._start()

    async def _start(self) -> Child:
        """A new child."""
        if self._closed:
            raise RuntimeError("the prober is closed")
        child = await Child.start(READER, math.ceil(self._limits.seconds), self._limits.memory)
        self._children.add(child)
        if self._closed:  # in the meantime
            await self._drop(child)
            raise RuntimeError("the prober is closed")
        return child

    async def _ask(self, child: Child, request: bytes, remote: Remote | None) -> dict[str, Any]:
        """Its answer; it is kept for the next file unless it is dead, worn out, or still busy with this one."""
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._limits.seconds) as limit:
                answer = await child.ask(request)
                while remote and "wants" in answer:
                    await child.give(await _unhurried(limit, remote.read(*answer["wants"])))
                    answer = await child.answer()
        except TimeoutError:
            raise MediaError(f"reading it took longer than {self._limits.seconds:g} s") from None
        finally:
            if answer.keys() & VERDICTS and child.alive and not self._closed:
                self._idle.append(child)
            else:
                await self._drop(child)
        return answer

    async def _drop(self, child: Child) -> None:
        """End it for good; it counts as ours until it is gone."""
        await child.kill()
        self._children.discard(child)

    def _facts(self, answer: dict[str, Any]) -> MediaFacts:
        """What the answer means.

        Raises:
            MediaError, OSError, RuntimeError: see `probe`.
        """
        if "facts" in answer:
            return MediaFacts(**answer["facts"])
        if "refused" in answer:
            raise MediaError(answer["refused"])
        if "fault" in answer:
            raise OSError(answer["fault"])
        if "exhausted" in answer:
            raise MediaError(
                f"reading it needed more than {self._limits.memory >> 20:,} MB of memory"
            )
        if self._closed:
            raise RuntimeError("the prober is closed")
        raise MediaError("the file could not be read: the reader crashed")


async def _unhurried(limit: asyncio.Timeout, fetching: Awaitable[bytes]) -> bytes:
    """Bytes from afar; while they come, the child does nothing, and its clock stands still."""
    clock = asyncio.get_running_loop().time
    remaining = (limit.when() or math.inf) - clock()
    limit.reschedule(None)
    data = await fetching
    limit.reschedule(clock() + remaining)
    return data


def request_line(file: Path | Remote, item_type: StorageItemType, name: str) -> bytes:
    """A request; a child has another working directory than we have."""
    place = {"path": str(file.absolute())} if isinstance(file, Path) else {"size": file.size}
    return line({**place, "item_type": item_type, "name": name})


def line(request: Mapping[str, Any]) -> bytes:
    """A request as a child reads it."""
    return json.dumps(request).encode() + b"\n"


def environment() -> dict[str, str]:
    """What a child may know; it finds this package where we found it."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    paths = filter(None, (str(ROOT), passed_on.get("PYTHONPATH")))
    return {**passed_on, **SINGLE_THREADED, "PYTHONPATH": os.pathsep.join(paths)}
