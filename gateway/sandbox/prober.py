"""A pool of child processes that probe and draw media files, so that a bad file harms no others."""

import asyncio
import math
import os
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.thumbnail_sizes import ThumbnailSize
from gateway.media.drawing.frames import Drawing, NoSuchFrame
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import ChildKilled, ChildProcess
from gateway.sandbox.child_runtime import MAX_FILE_SIZE
from gateway.sandbox.child_slots import ChildSlots

PROBE_CHILD = "gateway.sandbox.probe_child"
# Media libraries may leak: a child is replaced after so many files.
FILES_PER_CHILD = 10_000
# To start a child takes as long as some hundred small files: it is kept while it has not grown.
FILES_BETWEEN_LOOKS = 500
MAX_IDLE_MEMORY = 256 << 20
"""Bytes of memory of a child between two files; when all libraries are in use, it has 110 MB."""
# The answers after which a child can take another file.
REUSABLE_AFTER = {
    *("facts", "drawn", "no_such_frame", "uids", "edited", "burned_in"),
    *("media_error", "os_error"),
}
DELAYS = (0.5, 2.0, 8.0)
"""Seconds before a file is read again whose child was killed from outside."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """Limits of probing.

    Attributes:
        seconds: Wall-clock time for one file.
        memory: Bytes of memory for one file.
        children: Number of files that are probed at a time.
        niceness: How far the children let other processes go first, from 0 to 19.
        max_file_size: Bytes of a file that a child may write.
    """

    seconds: float = 60
    memory: int = 1 << 30
    children: int = field(default_factory=lambda: min(os.cpu_count() or 1, 4))
    niceness: int = 5
    max_file_size: int = MAX_FILE_SIZE


class NotAnonymized(Exception):
    """Raised for a DICOM object that is not anonymized, as its pixels may show text."""


class RangeSource(Protocol):
    """A file elsewhere that is read in ranges instead of being copied."""

    @property
    def size(self) -> int:
        """Size of the file in bytes."""

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, but not including, `stop`."""


class Prober:
    """Runs `gateway.media` in child processes, which start on demand and are reused."""

    def __init__(self, limits: ProbeLimits | None = None) -> None:
        self.limits = limits or ProbeLimits()
        self._slots = ChildSlots(self.limits.children)
        self._children: set[ChildProcess] = set()
        self._idle: list[ChildProcess] = []
        self._closed = False

    async def probe(
        self,
        file: Path | RangeSource,
        item_type: StorageItemType | None,
        name: str,
        parsing: Mapping[str, Any] | None = None,
        declared_type: str = "",
    ) -> MediaFacts:
        """Return the facts of a file; see `facts`."""
        return facts_from(await self.facts(file, item_type, name, parsing, declared_type))

    async def facts(
        self,
        file: Path | RangeSource,
        item_type: StorageItemType | None,
        name: str,
        parsing: Mapping[str, Any] | None = None,
        declared_type: str = "",
        head: bytes = b"",
    ) -> dict[str, Any]:
        """Return the facts of a file as JSON, after waiting for a free child; see `facts_from`.

        `head` is the beginning of a `RangeSource`, if it has been read already. Exceptions that a
        `RangeSource` raises pass through.

        Raises:
            MediaError: The file is not of this kind, or probing it exceeds a limit.
            ChildKilled: The child was killed from outside, each time after growing delays.
            OSError: The file cannot be reached or no child can be started, which is not the file's
                fault.
            RuntimeError: The prober is closed.
        """
        named = {"item_type": item_type, "name": name, "declared_type": declared_type}
        match await self._answer(file, {**named, "parsing": parsing}, head):
            case {"facts": facts}:
                return dict(facts)
            case answer:
                raise self._error(answer)

    async def draw(
        self,
        file: Path | RangeSource,
        item_type: StorageItemType,
        frame: int,
        reading: Mapping[str, Any] | None = None,
    ) -> Drawing:
        """Draw a frame of a file as `gateway.media.drawing` does, after waiting for a free child.

        Raises as `probe` does, and `NoSuchFrame`.
        """
        request = {"item_type": item_type, "frame": frame, "reading": reading}
        match await self._answer(file, request):
            case {"drawn": [width, height], "pictures": pictures}:
                return Drawing(width, height, pictures)
            case {"no_such_frame": _}:
                raise NoSuchFrame("the file has no such frame")
            case answer:
                raise self._error(answer)

    async def find_uids(self, file: Path) -> list[str]:
        """Return the UIDs in a DICOM file, after waiting for a free child; raises as `probe`."""
        match await self._answer(file, {"edit": None, "target": ""}):
            case {"uids": uids}:
                return list(uids)
            case answer:
                raise self._error(answer)

    async def edit(self, file: Path, edit: Mapping[str, Any], target: Path) -> None:
        """Write an edited copy of a DICOM file, after waiting for a free child.

        The limits must let children write files. Raises as `probe` does, and `NotAnonymized`.

        Args:
            edit: see `gateway.dicom.rewriting.edits`.
        """
        request = {"edit": edit, "target": str(target.absolute())}  # noqa: ASYNC240 - reads no disk
        answer = await self._answer(file, request)
        if "burned_in" in answer:
            raise NotAnonymized(answer["burned_in"])
        if "edited" not in answer:
            raise self._error(answer)

    async def _answer(
        self, file: Path | RangeSource, request: Mapping[str, Any], head: bytes = b""
    ) -> dict[str, Any]:
        """Return the answer of a child to a request about a file; see `probe`."""
        # A child has another working directory.
        source: dict[str, Any] = (
            {"path": str(file.absolute())}  # noqa: ASYNC240 - reads no disk
            if isinstance(file, Path)
            else {"size": file.size, "head": len(head)}
        )
        request = {**source, **request}
        ranges = None if isinstance(file, Path) else file
        for delay in DELAYS:
            with suppress(ChildKilled):
                return await self._answer_once(request, ranges, head)
            await asyncio.sleep(delay)
        return await self._answer_once(request, ranges, head)

    async def _answer_once(
        self, request: dict[str, Any], ranges: RangeSource | None, head: bytes
    ) -> dict[str, Any]:
        """Return the answer of a child, or of a second one if the first had served other files."""
        async with self._slots.hold():
            try:
                child = await self._idle_child()
                answer = await self._request(child, request, ranges, head)
                has_crashed = not answer.keys() & (REUSABLE_AFTER | {"killed"})
                if has_crashed and child.request_count > 1 and not self._closed:
                    # An earlier file may have damaged the child, which is not this one's fault.
                    child = await self._new_child()
                    answer = await self._request(child, request, ranges, head)
                if "killed" in answer and not self._closed:
                    raise ChildKilled(had_file=True)
            except ChildKilled:
                self._slots.note_kill()
                raise
            self._slots.note_answer()
        return answer

    async def close(self) -> None:
        """Kill all children, even busy ones, and wait until no probe is running."""
        self._closed = True
        await asyncio.gather(*(child.kill() for child in self._children))
        async with self._slots.hold(alone=True):
            pass

    async def _idle_child(self) -> ChildProcess:
        """Return an idle child, or a new one if there is none that is still good."""
        while self._idle:
            if _is_reusable(child := self._idle.pop()):
                return child
            await self._drop(child)
        return await self._new_child()

    async def _new_child(self) -> ChildProcess:
        if self._closed:
            raise RuntimeError("the prober is closed")
        child = await ChildProcess.start(
            PROBE_CHILD,
            math.ceil(self.limits.seconds),
            self.limits.memory,
            self.limits.niceness,
            self.limits.max_file_size,
        )
        self._children.add(child)
        if self._closed:  # in the meantime
            await self._drop(child)
            raise RuntimeError("the prober is closed")
        return child

    async def _request(
        self,
        child: ChildProcess,
        request: dict[str, Any],
        ranges: RangeSource | None,
        head: bytes,
    ) -> dict[str, Any]:
        """Return the answer of a child; keep the child if it is good for another file."""
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self.limits.seconds) as limit:
                answer = await child.request(request, head)
                while ranges and "needs" in answer:
                    data = await _off_the_clock(limit, ranges.read(*answer["needs"]))
                    await child.send({"bytes": len(data)}, data)
                    answer = await child.receive()
                if "sizes" in answer:
                    answer["pictures"] = {
                        ThumbnailSize(size): await child.receive_data(length)
                        for size, length in answer["sizes"].items()
                    }
        except asyncio.IncompleteReadError:
            answer = await child.receive()  # how it died
        except TimeoutError:
            raise MediaError(self._too_long()) from None
        finally:
            if answer.keys() & REUSABLE_AFTER and _is_reusable(child) and not self._closed:
                self._idle.append(child)
            else:
                await self._drop(child)
        return answer

    def _too_long(self) -> str:
        return f"reading the file took longer than {self.limits.seconds:g} s"

    async def _drop(self, child: ChildProcess) -> None:
        """Kill a child; it stays in the set until it is gone, for `close` to wait for it."""
        await child.kill()
        self._children.discard(child)

    def _error(self, answer: dict[str, Any]) -> Exception:
        """Return the error that an answer reports; see `probe`."""
        match answer:
            case {"media_error": message}:
                return MediaError(message)
            case {"os_error": message, "errno": number}:
                return OSError(number, message)
            case {"memory_error": _}:
                limit = self.limits.memory >> 20
                return MediaError(f"reading the file needed more than {limit:,} MiB of memory")
            case {"cpu_limit": _}:
                return MediaError(self._too_long())
        if self._closed:
            return RuntimeError("the prober is closed")
        return MediaError("the file could not be read: the process that read it crashed")


def facts_from(facts: Mapping[str, Any]) -> MediaFacts:
    """Return facts that were sent as JSON."""
    return MediaFacts(**{**facts, "kind": StorageItemType(facts["kind"])})


def _is_reusable(child: ChildProcess) -> bool:
    if not child.is_running or child.request_count >= FILES_PER_CHILD:
        return False
    return child.request_count % FILES_BETWEEN_LOOKS > 0 or child.memory <= MAX_IDLE_MEMORY


async def _off_the_clock(limit: asyncio.Timeout, fetch: Awaitable[bytes]) -> bytes:
    """Fetch bytes while the time limit stands still: meanwhile the child only waits."""
    clock = asyncio.get_running_loop().time
    remaining = (limit.when() or math.inf) - clock()
    limit.reschedule(None)
    data = await fetch
    limit.reschedule(clock() + remaining)
    return data
