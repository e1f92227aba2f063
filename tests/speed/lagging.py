"""The gateway as `serve` runs it, and beside it a clock that notes how late the event loop comes to what is due."""

import asyncio
import struct
import sys
import time
from pathlib import Path

import uvloop

from gateway.asgi import serve
from gateway.context import Services
from gateway.logs import configure_logs
from gateway.settings import Settings

EVERY = 0.005
"""Seconds between two looks at the clock."""
NOTE = struct.Struct("ddd")
"""A moment, as `time.time` has it; how late the loop was then, and how long its own thread had worked, in seconds."""


async def note_delays(file: Path) -> None:
    """Write how late each look was, without ever waiting for the disk for long."""
    with file.open("ab", buffering=1 << 12) as notes:
        while True:
            due, worked = time.perf_counter() + EVERY, time.thread_time()
            await asyncio.sleep(EVERY)
            notes.write(NOTE.pack(time.time(), time.perf_counter() - due, time.thread_time() - worked))


def delays(file: Path, start: float, stop: float, *, own: bool = False) -> list[float]:
    """The delays that were noted between two moments, in order of size; or the loop's own work between two looks,
    which a machine that has other things to do does not make longer."""
    data = file.read_bytes()
    noted = NOTE.iter_unpack(data[: len(data) // NOTE.size * NOTE.size])
    return sorted(work if own else late for moment, late, work in noted if start <= moment <= stop)


def main(port: int, file: Path) -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure_logs(settings.log_level)

    async def started(_services: Services, _key: str | None) -> None:
        await note_delays(file)

    uvloop.run(serve(settings, "127.0.0.1", port, started))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
