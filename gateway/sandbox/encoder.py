"""Child processes that encode videos, so that a bad picture harms nothing but its own video."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.media.errors import MediaError
from gateway.media.video_formats import VIDEO_FORMATS, SourceVideo, round_up_to_even
from gateway.sandbox.child_process import ChildKilled, ChildProcess
from gateway.sandbox.child_slots import ChildSlots

ENCODE_CHILD = "gateway.sandbox.encode_child"
FRAME_RATE = 25
"""Frames per second of a video that is encoded from images."""
ReportProgress = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EncodeLimits:
    """Limits of encoding.

    Attributes:
        seconds: Wall-clock time for one video.
        memory: Bytes of memory for one video.
        max_file_size: Bytes that the encoded video may have.
        children: Number of videos that are encoded at a time.
    """

    seconds: float = 3600
    memory: int = 2 << 30
    max_file_size: int = 50 << 30
    children: int = 1


class FrameEncoding:
    """A video that is being encoded from images to the file `path`."""

    def __init__(self, child: ChildProcess, path: Path) -> None:
        self._child = child
        self.path = path

    async def add_frame(self, image: Path) -> None:
        """Encode the next image, whose file may be deleted afterwards.

        Raises:
            MediaError: The image cannot be decoded, or is larger than the video.
        """
        path = str(image.absolute())  # noqa: ASYNC240 - reads no disk
        await _request(self._child, {"frame": path}, "encoded")

    async def finish(self) -> None:
        """Write the rest of the video.

        Raises:
            MediaError: The video could not be written.
        """
        await _request(self._child, {"end": True}, "finished")


class Encoder:
    """Encodes videos in child processes, one process for each video."""

    def __init__(self, codec: str, limits: EncodeLimits | None = None) -> None:
        self._codec = codec
        self._limits = limits or EncodeLimits()
        self._slots = ChildSlots(self._limits.children)

    @property
    def mime_type(self) -> str:
        """MIME type of the encoded videos."""
        return VIDEO_FORMATS[self._codec].mime_type

    @asynccontextmanager
    async def encode_frames(self, width: int, height: int) -> AsyncIterator[FrameEncoding]:
        """Encode a video from images of up to this size; its file is deleted with the context.

        Raises:
            MediaError: Encoding takes too long.
            ChildKilled: The process was killed from outside.
        """
        video = {
            "format": self._codec,
            "width": round_up_to_even(width),
            "height": round_up_to_even(height),
            "rate": FRAME_RATE,
        }
        async with self._child() as (child, path):
            await child.send({**video, "target": str(path)})
            yield FrameEncoding(child, path)

    @asynccontextmanager
    async def reencode(
        self, source: SourceVideo, force: bool, report: ReportProgress
    ) -> AsyncIterator[Path | None]:
        """Re-encode a video to a file that is deleted with the context.

        Args:
            source: The video.
            force: Whether to re-encode a video that browsers already play.
            report: Called with the progress from 0 to 1; may raise to stop the encoding.

        Yields:
            The encoded file; None if the video plays in browsers and `force` is false.

        Raises:
            MediaError: The video cannot be encoded, or encoding takes too long.
            ChildKilled: The process was killed from outside.
        """
        request = {
            "format": self._codec,
            "force": force,
            "source": {**asdict(source), "path": str(source.path.absolute())},
        }
        async with self._child() as (child, path):
            answer = await child.request({**request, "target": str(path)})
            while "progress" in answer:
                await report(answer["progress"])
                answer = await child.receive()
            if "playable" in answer:
                yield None
            else:
                _check(answer, "finished")
                yield path

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[tuple[ChildProcess, Path]]:
        """Start a process, and name the file that it is to write."""
        limits = self._limits
        async with self._slots.hold():
            try:
                async with asyncio.timeout(limits.seconds):
                    with tempfile.TemporaryDirectory(prefix="storegraph-video-") as directory:
                        cpu_seconds = math.ceil(limits.seconds * 4)
                        child = await ChildProcess.start(
                            ENCODE_CHILD, cpu_seconds, limits.memory, limits.max_file_size
                        )
                        try:
                            yield child, Path(directory) / "video"
                        finally:
                            await child.kill()
                self._slots.note_answer()
            except ChildKilled:
                self._slots.note_kill()
                raise
            except TimeoutError:
                raise MediaError(
                    f"encoding the video took longer than {limits.seconds:g} s"
                ) from None
            except MemoryError:
                raise MediaError(
                    f"encoding the video needed more than {limits.memory >> 20:,} MiB of memory"
                ) from None


async def _request(child: ChildProcess, message: Mapping[str, Any], expected: str) -> None:
    _check(await child.request(message), expected)


def _check(answer: Mapping[str, Any], expected: str) -> None:
    """Check that an answer is the expected one.

    Raises:
        MediaError: The request failed because of the file; the message says why.
        MemoryError: The process needed more memory than it may use.
        TimeoutError: The process used up its CPU time.
        ChildKilled: The process was killed from outside.
        OSError: A file could not be reached, which is not its fault.
    """
    match answer:
        case {"killed": _}:
            raise ChildKilled(had_file=True)
        case {"cpu_limit": _}:
            raise TimeoutError
        case {"os_error": message, "errno": number}:
            raise OSError(number, message)
        case {"media_error": message}:
            raise MediaError(message)
        case {"memory_error": _}:
            raise MemoryError
    if expected not in answer:
        raise MediaError("the process that encoded the video crashed")
