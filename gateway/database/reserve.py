"""The disk of the embedded database, with a file that is given up when the disk is full.

The file keeps room for what makes room: deletions and clean-up write to the database before they
free anything, and a restart has to open it.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from gateway.disks import Disk
from gateway.full_disks import InsufficientStorage, is_disk_full
from gateway.private_files import PRIVATE_FILE, create_private_directory

_ENOUGH_BYTES = 8 << 20
"""The reserve is a quarter of what is kept free, but half of it while that is less than this."""
_EXHAUSTED_BYTES = 64 << 10
"""Free bytes below which SQLite may fail with codes that do not name the reason."""
_IO_ERRORS = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
_PRIMARY_CODE = 0xFF


class DatabaseDisk(Disk):
    """The disk of a database of SQLite, with the reserve in the file `DATABASE-reserve`.

    Its directory is created, and has room from then on.
    """

    def __init__(self, database: Path, min_free: int) -> None:
        create_private_directory(database.parent)
        super().__init__("database", database.parent, min_free)
        self._database = database
        self._reserve = database.with_name(f"{database.name}-reserve")
        self.make_room()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make room for a transaction.

        Raises:
            InsufficientStorage: it failed for want of room.
        """
        self.make_room()
        try:
            yield
        except InsufficientStorage:
            raise
        except Exception as error:
            is_exhausted = is_file_error(error) and self.space().free < _EXHAUSTED_BYTES
            if not (is_exhausted or is_disk_full(error)):
                raise
            self._release()
            raise InsufficientStorage("The disk of the database is full.") from error

    def make_room(self) -> None:
        """Give the reserve up if less than that is free."""
        space = self.space()
        if space.free < _reserve_bytes(space.needed):
            self._release()

    def measure(self) -> int:
        """Measure the disk. Once it has room again, make the reserve again.

        Until then, the log of the database is copied into it, so that its room is used again.
        """
        free = super().measure()
        needed = self.space().needed
        size = _reserve_bytes(needed)
        if free >= needed + size:
            self._allocate(size)
        elif self.is_low and self._database.exists():
            self.make_room()
            with suppress(sqlite3.Error), closing(sqlite3.connect(self._database)) as own:
                own.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return free

    def close(self) -> None:
        """Keep for a restart what the database has left free now that it is closed."""
        with suppress(FileNotFoundError):
            space = self.space()
            self._allocate(min(space.free, _reserve_bytes(space.needed)))

    def _release(self) -> None:
        if self._present():
            os.truncate(self._reserve, 0)

    def _present(self) -> int:
        """Return the bytes that the reserve has."""
        try:
            return self._reserve.stat().st_size
        except FileNotFoundError:
            return 0

    def _allocate(self, size: int) -> None:
        """Give the reserve this size, or leave it empty if there is no room after all."""
        if self._present() == size:
            return
        file = os.open(self._reserve, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            os.ftruncate(file, min(self._present(), size))
            if size:
                os.posix_fallocate(file, 0, size)
        except OSError:
            os.ftruncate(file, 0)
        finally:
            os.close(file)


def is_file_error(error: Exception) -> bool:
    """Return whether SQLite could not open, read or write a file."""
    match error:
        case sa.exc.DBAPIError(orig=sqlite3.OperationalError(sqlite_errorcode=code)):
            return code & _PRIMARY_CODE in _IO_ERRORS
    return False


def _reserve_bytes(needed: int) -> int:
    return max(needed // 4, min(needed // 2, _ENOUGH_BYTES))
