"""Files being written to the disk store: invisible until complete and synced to disk.

An incomplete file is removed when it is closed or, after a crash, by `remove_abandoned`.
"""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

_ABANDONED_SECONDS = 24 * 3600


class UploadMismatch(Exception):
    """Raised when the received bytes differ from those that were declared."""


class AlreadyStored(Exception):
    """Raised when an object with that key exists; it stays unchanged."""


class IncomingFile:
    """A temporary file in `directory`, which must be on the file system of its target.

    The bytes are hashed only if `sha256`, the expected checksum in hex digits, is given.
    """

    def __init__(self, directory: Path, sha256: str | None = None) -> None:
        self._path = directory / secrets.token_hex(16)
        self._file = self._path.open("xb")
        self._size = 0
        self._sha256 = sha256
        self._hash = hashlib.sha256()

    def write(self, data: bytes | bytearray) -> None:
        self._file.write(data)
        self._size += len(data)
        if self._sha256 is not None:
            self._hash.update(data)

    def check(self, size: int) -> None:
        """Raise `UploadMismatch` unless the bytes have this size and the expected checksum."""
        if self._size != size:
            raise UploadMismatch(f"Received {self._size} bytes, expected {size}.")
        if self._sha256 is not None and self._hash.hexdigest() != self._sha256:
            raise UploadMismatch("The SHA-256 checksum of the received bytes does not match.")

    def replace(self, target: Path) -> None:
        """Move the file to the target, replacing what is there."""
        self._flush()
        self._path.replace(target)
        _sync(target.parent)

    def create(self, target: Path) -> None:
        """Move the file to the target; raises `AlreadyStored` if that exists."""
        self._flush()
        try:
            os.link(self._path, target)
        except FileExistsError:
            raise AlreadyStored("An object with this key exists already.") from None
        _sync(target.parent)

    def close(self) -> None:
        """Close the file, and delete it unless it was moved."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def remove_abandoned(directory: Path) -> None:
    """Delete files that a killed process left behind."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # another process may remove it first
            if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                path.unlink()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
