"""Writes lines to stderr without ever waiting for whoever reads them."""

import os
import select
import threading
from collections import deque

from gateway.telemetry.metrics import LOG_LINES_DROPPED

CHUNK_BYTES = 4_096
"""Bytes that a pipe takes at once if it is ready for any (POSIX's `PIPE_BUF` on Linux)."""
MAX_WAITING_BYTES = 1 << 20
FLUSH_SECONDS = 1.0
"""Seconds that the end of the process waits for a reader."""


class LogWriter:
    """A text file over a file descriptor, for loggers.

    While nobody reads a full pipe, lines wait in memory, and a thread writes them. Beyond
    `MAX_WAITING_BYTES`, new lines are dropped and counted, as are all once the reader has gone.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Write a line now if that is possible without waiting, else soon."""
        line = text.encode(errors="backslashreplace")
        with self._lock:
            if self._thread is None and len(line) <= CHUNK_BYTES and self._poll.poll(0):
                self._write_now(line)
            elif self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
                LOG_LINES_DROPPED.add()
            else:
                self._waiting.append(line)
                self._waiting_bytes += len(line)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._write_waiting, daemon=True)
                    self._thread.start()
        return len(text)

    def flush(self) -> None:
        """Do nothing: whole lines are written, and nobody should wait for the reader."""

    def drain(self) -> None:
        """Wait for lines that wait for the reader, but not for long."""
        if thread := self._thread:
            thread.join(FLUSH_SECONDS)

    def _write_now(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError:  # the reader has gone, or the disk is full
            LOG_LINES_DROPPED.add()

    def _write_waiting(self) -> None:
        """Write the waiting lines, in a thread that may wait for the reader."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                line = self._waiting.popleft()
                self._waiting_bytes -= len(line)
            self._write_now(line)
