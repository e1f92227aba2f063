"""Readers that are killed: from outside, the file is read again; by a limit, the file is refused."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.prober import PROBE_CHILD, ProbeLimits, Prober
from tests.fixtures.children import children_of


def readers() -> set[int]:
    """Return the processes that read files for this one."""
    return children_of(os.getpid(), PROBE_CHILD)


class Killing:
    """A file that is read in ranges, and whose first reads kill the processes with these signals."""

    def __init__(self, data: bytes, *signals: signal.Signals) -> None:
        self.size = len(data)
        self.signals = [*signals]
        self._data = data

    async def read(self, start: int, stop: int) -> bytes:
        """Return a range."""
        if self.signals:
            sent = self.signals.pop(0)
            for reader in readers():
                os.kill(reader, sent)
        return self._data[start:stop]


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Yield a pool of two processes."""
    pool = Prober(ProbeLimits(children=2))
    yield pool
    await pool.close()


async def width(prober: Prober, file: Killing) -> int | None:
    """Return the width of the image."""
    return (await prober.probe(file, StorageItemType.IMAGE, "good.png")).width


async def test_killed_from_outside(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose process was killed is read again after a while, and not blamed."""
    monkeypatch.setattr("gateway.sandbox.prober.DELAYS", (0.1, 0.2))
    file = Killing(samples.png(width=33), signal.SIGKILL, signal.SIGTERM)
    start = time.monotonic()
    assert await width(prober, file) == 33
    assert not file.signals
    assert time.monotonic() - start >= 0.3


async def test_killed_each_time(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """If that does not end, the error says that the process was killed; fewer files are read at a time."""
    monkeypatch.setattr("gateway.sandbox.prober.DELAYS", (0.1,))
    with pytest.raises(ChildKilled, match="from outside while it worked on a file") as error:
        await width(prober, Killing(samples.png(), signal.SIGKILL, signal.SIGKILL))
    assert error.value.had_file
    reading, most = 0, 0

    class Counting(Killing):
        async def read(self, start: int, stop: int) -> bytes:
            nonlocal reading, most
            reading, most = reading + 1, max(most, reading + 1)
            await asyncio.sleep(0.1)
            reading -= 1
            return await super().read(start, stop)

    await asyncio.gather(*(width(prober, Counting(samples.png())) for _ in range(2)))
    assert most == 1


async def test_killed_at_the_start(prober: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is blamed for a process that is killed while it starts."""
    monkeypatch.setattr("gateway.sandbox.prober.DELAYS", (0.1,))
    probe = asyncio.create_task(width(prober, Killing(samples.png(width=33))))
    killed: set[int] = set()
    async with asyncio.timeout(20):
        while len(killed) < 2:
            for reader in readers() - killed:
                os.kill(reader, signal.SIGKILL)
                killed.add(reader)
            await asyncio.sleep(0.01)
    with pytest.raises(ChildKilled, match="from outside while it started") as error:
        await probe
    assert not error.value.had_file
    assert await width(prober, Killing(samples.png(width=33))) == 33


async def test_cpu_time(prober: Prober) -> None:
    """A process that uses up its CPU time is no victim: the file takes too long."""
    with pytest.raises(MediaError, match=r"^reading the file took longer than 60 s$"):
        await width(prober, Killing(samples.png(), signal.SIGXCPU))
