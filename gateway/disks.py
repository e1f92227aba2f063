"""The free space of the local disks of a process, and what is left of it for uploads and changes.

Each disk keeps some space free, for what makes room: deletions, clean-up and restarts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import gettempdir
from time import monotonic
from typing import NamedTuple

import structlog

from gateway.ended_tasks import end_tasks
from gateway.full_disks import LOG_SECONDS, InsufficientStorage
from gateway.telemetry.metrics import DISK_FREE

MEASURE_SECONDS = 1.0
"""Time between two measurements."""
_LARGEST_SHARE = 10
"""At most one part in so many of a disk is kept free, whatever the setting is."""

log = structlog.get_logger()


class Space(NamedTuple):
    """Bytes of a disk: those that are `free`, and those that should be."""

    free: int
    needed: int


class Disk:
    """The file system of a directory, of which `min_free` bytes are kept free; fewer on small ones.

    `name` says what is stored there. `is_low` says whether less was free at the last measurement.
    """

    def __init__(self, name: str, directory: Path, min_free: int) -> None:
        self.name = name
        self.is_low = False
        self.directory = directory
        self._min_free = min_free
        self._promised = 0
        self._low_since: float | None = None
        self._logged_at = 0.0

    def space(self) -> Space:
        """Return how much is free now. Blocks, if the file system is on a network."""
        status = os.statvfs(self.directory)
        share = status.f_blocks * status.f_frsize // _LARGEST_SHARE
        return Space(status.f_bavail * status.f_frsize, min(self._min_free, share))

    @asynccontextmanager
    async def promise(self, size: int) -> AsyncIterator[Callable[[int], None]]:
        """Keep room for so many bytes; the function that is yielded is told what was written.

        Raises:
            InsufficientStorage: there is no room besides what is promised to others.
        """
        space = await asyncio.to_thread(self.space)
        if space.free - self._promised - size < space.needed:
            raise InsufficientStorage(
                f"The disk of the {self.name} has no room for {size:,} bytes."
            )
        left = size
        self._promised += left

        def note_written(count: int) -> None:
            nonlocal left
            count = min(count, left)
            left -= count
            self._promised -= count

        try:
            yield note_written
        finally:
            note_written(left)

    def measure(self) -> int:
        """Return the bytes that are free, and log if they have become too few, or enough again."""
        space, moment = self.space(), monotonic()
        self.is_low = space.free < space.needed
        free, needed = space
        if self.is_low and (self._low_since is None or moment - self._logged_at >= LOG_SECONDS):
            self._low_since, self._logged_at = self._low_since or moment, moment
            directory = str(self.directory)
            log.warning("disk_low", disk=self.name, directory=directory, free=free, needed=needed)
        elif not self.is_low and self._low_since is not None:
            seconds, self._low_since = round(moment - self._low_since, 1), None
            log.info(
                "disk_has_room_again", disk=self.name, free=free, needed=needed, seconds=seconds
            )
        return free


class Disks:
    """The local disks of a process, each once, measured regularly while it runs.

    Besides those that are given, there is that of temporary files, of which nothing is kept free.
    """

    def __init__(self, *disks: Disk | None) -> None:
        temporary = Disk("temporary", Path(gettempdir()), 0)
        known = [*filter(None, disks), temporary]
        devices = {disk.directory.stat().st_dev: disk for disk in reversed(known)}
        self._disks = [*devices.values()]
        self._measuring: asyncio.Task[None] | None = None

    @property
    def low(self) -> list[Disk]:
        """Return the disks on which less is free than should be."""
        return [disk for disk in self._disks if disk.is_low]

    async def start(self) -> None:
        """Measure all disks, and go on with that until `close`."""

        def measure() -> None:
            for disk in self._disks:
                DISK_FREE.values[(disk.name,)] = disk.measure()

        async def go_on() -> None:
            while True:
                await asyncio.sleep(MEASURE_SECONDS)
                try:
                    await asyncio.to_thread(measure)
                except OSError as error:
                    log.error("disks_not_measured", error=str(error))

        await asyncio.to_thread(measure)
        self._measuring = asyncio.create_task(go_on())

    async def close(self) -> None:
        """Measure no more."""
        await end_tasks(self._measuring)
