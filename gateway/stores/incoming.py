"""A file on its way into the disk store: nobody sees it before it is whole and safe, and it vanishes if it never is."""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

_ABANDONED = 24 * 3600  # seconds


class UploadMismatch(Exception):
    """What arrived is not what was declared; the message says in what."""


class AlreadyStored(Exception):
    """There is an object under that key, and it stays."""


class IncomingFile:
    """Bytes gathered in `directory`, to be kept in the same file system; hashed only when somebody will ask."""

    def __init__(self, directory: Path, sha256: str | None = None) -> None:
        self._path = directory / secrets.token_hex(16)
        self._file = self._path.open("xb")
        self._size = 0
        self._sha256 = sha256
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._size += len(data)
        if self._sha256 is not None:
            self._hash.update(data)

    def check(self, size: int) -> None:
        """Raise `UploadMismatch` unless these are the declared bytes."""
        if self._size != size:
            raise UploadMismatch(f"{self._size} bytes arrived where {size} were declared")
        if self._sha256 is not None and self._hash.hexdigest() != self._sha256:
            raise UploadMismatch("the bytes do not have the SHA-256 that was declared")

    def replace(self, target: Path) -> None:
        """Take the target's place."""
        self._flush()
        self._path.replace(target)
        _sync(target.parent)

    def create(self, target: Path) -> None:
        """Become the target, which must not be there yet: raises `AlreadyStored`."""
        self._flush()
        try:
            os.link(self._path, target)
        except FileExistsError:
            raise AlreadyStored("there is an object under this key already") from None
        _sync(target.parent)

    def close(self) -> None:
        """Forget what was not kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def remove_abandoned(directory: Path) -> None:
    """Remove files that a process left behind when it was killed."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # others come and go meanwhile
            if path.stat().st_mtime < time.time() - _ABANDONED:
                path.unlink()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
