"""The gateway as `serve` runs it, and a clock beside it that records delays of the event loop."""

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
"""Seconds between two readings of the clock."""
NOTE = struct.Struct("ddd")
"""A time, as of `time.time`; the delay of the loop then, and the CPU time of its thread, in seconds."""


async def note_delays(file: Path) -> None:
    """Record the delay of each reading, without waiting for the disk for long."""
    with file.open("ab", buffering=1 << 12) as notes:
        while True:
            due, worked = time.perf_counter() + EVERY, time.thread_time()
            await asyncio.sleep(EVERY)
            notes.write(NOTE.pack(time.time(), time.perf_counter() - due, time.thread_time() - worked))


def delays(file: Path, start: float, stop: float, *, own: bool = False) -> list[float]:
    """Return the delays between two times, sorted; or the loop's own CPU time between two readings,
    which other processes on the machine do not increase.
    """
    data = file.read_bytes()
    noted = NOTE.iter_unpack(data[: len(data) // NOTE.size * NOTE.size])
    return sorted(work if own else late for moment, late, work in noted if start <= moment <= stop)


def main(port: int, file: Path) -> None:
    """Serve until the process is stopped."""
    settings = Settings()
    configure_logs(settings.log_level, settings.log_format)

    async def started(_services: Services, _key: str | None) -> None:
        await note_delays(file)

    uvloop.run(serve(settings, "127.0.0.1", port, started))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
