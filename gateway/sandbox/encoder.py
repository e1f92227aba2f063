"""Child processes that write films, so that a bad picture costs nothing but its film."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.media.facts import MediaError
from gateway.media.formats import FORMATS, even
from gateway.sandbox.prober import Child, line

CHILD = "gateway.sandbox.encoding_child"
Report = Callable[[float], Awaitable[None]]
RATE = 25
"""Pictures a second in a film that is made of images."""


@dataclass(frozen=True, slots=True)
class EncodeLimits:
    """For one film: seconds by the clock, and memory and length in bytes; children is how many are made at a time."""

    seconds: float = 3600
    memory: int = 2 << 30
    longest: int = 50 << 30
    children: int = 1


@dataclass(frozen=True, slots=True)
class Original:
    """A film that may have to be made anew: its file, its MIME type, and how many seconds it lasts."""

    path: Path
    mime_type: str
    duration: float


class Film:
    """A film that is being made of images."""

    def __init__(self, child: Child, path: Path) -> None:
        self._child = child
        self.path = path

    async def add(self, picture: Path) -> None:
        """The next picture; its file is not needed any more afterwards.

        Raises:
            MediaError: it cannot be taken in.
        """
        await _ask(self._child, {"frame": _absolute(picture)}, "taken")

    async def finish(self) -> None:
        """The file is whole now.

        Raises:
            MediaError: it could not be written.
        """
        await _ask(self._child, {"end": True}, "finished")


class Encoder:
    """Makes films in child processes, one a film."""

    def __init__(self, codec: str, limits: EncodeLimits | None = None) -> None:
        self._codec = codec
        self._limits = limits or EncodeLimits()
        self._places = asyncio.Semaphore(self._limits.children)

    @property
    def mime_type(self) -> str:
        """Of what it makes."""
        return FORMATS[self._codec].mime_type

    @asynccontextmanager
    async def film(self, width: int, height: int) -> AsyncIterator[Film]:
        """A film into which pictures of up to this size go; its file is gone when the block ends.

        Raises:
            MediaError: it takes too long.
        """
        wanted = {"format": self._codec, "width": even(width), "height": even(height), "rate": RATE}
        async with self._child() as (child, path):
            await child.tell(line({**wanted, "film": str(path)}))
            yield Film(child, path)

    @asynccontextmanager
    async def recoded(
        self, source: Original, force: bool, report: Report
    ) -> AsyncIterator[Path | None]:
        """A film made anew of another, or None if that one is fit already; the file is gone when the block ends.

        `report` is told how much is done, from 0 to 1, and may raise to have it given up.

        Raises:
            MediaError: it cannot be made, or that takes too long.
        """
        wanted = {
            "format": self._codec,
            "mime_type": source.mime_type,
            "duration": source.duration,
            "force": force,
        }
        async with self._child() as (child, path):
            asked = line({**wanted, "source": _absolute(source.path), "film": str(path)})
            answer = await child.ask(asked)
            while "progress" in answer:
                await report(answer["progress"])
                answer = await child.answer()
            yield None if "fit" in answer else path if _checked(answer, "finished") else None

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[tuple[Child, Path]]:
        """A process and the file that it is to write."""
        limits = self._limits
        async with self._places:
            try:
                async with asyncio.timeout(limits.seconds):
                    with tempfile.TemporaryDirectory(prefix="storegraph-film-") as directory:
                        arguments = (math.ceil(limits.seconds * 4), limits.memory, limits.longest)
                        child = await Child.start(CHILD, *arguments)
                        try:
                            yield child, Path(directory) / "film"
                        finally:
                            await child.kill()
            except TimeoutError:
                raise MediaError(f"making the film took longer than {limits.seconds:g} s") from None


def _absolute(path: Path) -> str:
    """A child has another working directory than we have."""
    return str(path.absolute())


async def _ask(child: Child, request: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The answer that is wanted.

    Raises:
        MediaError: the request cannot be done; the message says why.
        OSError: a file could not be reached, which is not its fault.
    """
    return _checked(await child.ask(line(request)), wanted)


def _checked(answer: dict[str, Any], wanted: str) -> dict[str, Any]:
    """The answer, if it is the one that is wanted; raises as `_ask` does."""
    if wanted in answer:
        return answer
    if "fault" in answer:
        raise OSError(answer["fault"])
    if "refused" in answer:
        raise MediaError(answer["refused"])
    raise MediaError(
        "the film needed too much memory" if "exhausted" in answer else "the film's writer crashed"
    )
