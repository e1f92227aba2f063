"""Logging never waits for whoever reads the log, and survives without a reader."""

import os
from collections.abc import Iterator
from time import monotonic

import pytest

from gateway.telemetry.log_writer import MAX_WAITING_BYTES, LogWriter
from gateway.telemetry.metrics import LOG_LINES_DROPPED

LINE = "x" * 999 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, LogWriter]]:
    """Pipe that nobody reads yet, and a writer to it."""
    reading, writing = os.pipe()
    yield reading, LogWriter(writing)
    os.close(writing)


def dropped() -> float:
    return LOG_LINES_DROPPED.values[()]


def read_lines(descriptor: int, count: int) -> list[str]:
    """Read a number of lines from a pipe."""
    data = b""
    while data.count(b"\n") < count:
        data += os.read(descriptor, 1 << 16)
    return data.decode().splitlines()


def test_lines_wait_in_memory_while_nobody_reads(pipe: tuple[int, LogWriter]) -> None:
    """Beyond a bound they are dropped, and all that were kept arrive in their order."""
    reading, writer = pipe
    before, started = dropped(), monotonic()
    sent = [f"{number} {LINE}" for number in range(3 * MAX_WAITING_BYTES // len(LINE))]
    for line in sent:
        writer.write(line)
    assert monotonic() - started < 5
    lost = int(dropped() - before)
    assert 0 < lost < len(sent)
    numbers = [int(line.partition(" ")[0]) for line in read_lines(reading, len(sent) - lost)]
    assert numbers == sorted({*numbers})
    writer.drain()
    writer.write("later\n")
    assert read_lines(reading, 1) == ["later"]
    os.close(reading)


def test_long_lines_arrive_whole(pipe: tuple[int, LogWriter]) -> None:
    reading, writer = pipe
    writer.write("y" * 100_000 + "\n")
    assert read_lines(reading, 1) == ["y" * 100_000]
    os.close(reading)


def test_a_reader_that_has_gone_ends_nothing(pipe: tuple[int, LogWriter]) -> None:
    reading, writer = pipe
    os.close(reading)
    before = dropped()
    writer.write("lost\n")
    assert dropped() == before + 1
