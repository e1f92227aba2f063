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
NOTE = struct.Struct("dd")
"""A moment, as `time.time` has it, and how late the loop was then, in seconds."""


async def note_delays(file: Path) -> None:
    """Write how late each look was, without ever waiting for the disk for long."""
    with file.open("ab", buffering=1 << 12) as notes:
        while True:
            due = time.perf_counter() + EVERY
            await asyncio.sleep(EVERY)
            notes.write(NOTE.pack(time.time(), time.perf_counter() - due))


def delays(file: Path, start: float, stop: float) -> list[float]:
    """The delays that were noted between two moments, in order of size."""
    data = file.read_bytes()
    noted = NOTE.iter_unpack(data[: len(data) // NOTE.size * NOTE.size])
    return sorted(late for moment, late in noted if start <= moment <= stop)


def main(port: int, file: Path) -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure_logs(settings.log_level)

    async def started(_services: Services, _key: str | None) -> None:
        await note_delays(file)

    uvloop.run(serve(settings, "127.0.0.1", port, started))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
