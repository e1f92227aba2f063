"""Files being written to the disk store: invisible until complete and synced to disk.

An incomplete file is removed when it is closed or, after a crash, by `remove_abandoned`.
"""

import hashlib
import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from gateway.clock import SITE_CLOCK
from gateway.stores.private_directories import directory_below, open_directory, open_new

INCOMING = "incoming"
"""Directory of files that are being received."""
_ABANDONED = timedelta(hours=24)


class UploadMismatch(Exception):
    """Raised when the received bytes differ from those that were declared."""


class AlreadyStored(Exception):
    """Raised when an object with that key exists; it stays unchanged."""


class IncomingFile:
    """A temporary file in `incoming` below `root`, on the file system of its target.

    The bytes are hashed only if `sha256`, the expected checksum in hex digits, is given.
    """

    def __init__(self, root: Path, sha256: str | None = None) -> None:
        self._directory = open_directory(root, INCOMING)
        self._name = secrets.token_hex(16)
        try:
            self._file = open_new(self._name, self._directory)
        except BaseException:
            os.close(self._directory)
            raise
        self._size = 0
        self._sha256 = sha256
        self._hash = hashlib.sha256()

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes, without a buffer: if the disk is full, this fails and not `close`."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += len(data)
        if self._sha256 is not None:
            self._hash.update(data)

    def check(self, size: int) -> None:
        """Raise `UploadMismatch` unless the bytes have this size and the expected checksum."""
        if self._size != size:
            raise UploadMismatch(f"Received {self._size} bytes, expected {size}.")
        if self._sha256 is not None and self._hash.hexdigest() != self._sha256:
            raise UploadMismatch("The SHA-256 checksum of the received bytes does not match.")

    def replace(self, directory: int, name: str) -> None:
        """Move the file into a directory, given as descriptor, replacing what has the name."""
        os.fsync(self._file)
        os.replace(self._name, name, src_dir_fd=self._directory, dst_dir_fd=directory)
        os.fsync(directory)

    def create(self, directory: int, name: str) -> None:
        """Move the file into a directory, given as descriptor; raises `AlreadyStored`."""
        os.fsync(self._file)
        try:
            os.link(self._name, name, src_dir_fd=self._directory, dst_dir_fd=directory)
        except FileExistsError:
            raise AlreadyStored("An object with this key exists already.") from None
        os.fsync(directory)

    def close(self) -> None:
        """Close the file, and delete it unless it was moved."""
        os.close(self._file)
        with suppress(FileNotFoundError):
            os.unlink(self._name, dir_fd=self._directory)
        os.close(self._directory)


def remove_abandoned(root: Path) -> None:
    """Delete files that a killed process left behind."""
    with directory_below(root, INCOMING) as directory:
        for name in os.listdir(directory):
            with suppress(FileNotFoundError):  # another process may remove it first
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
                if status.st_mtime < SITE_CLOCK.long_before(_ABANDONED).timestamp():
                    os.unlink(name, dir_fd=directory)
