"""The files of a backup.

`backup.json` names a copy of the database and a listing of objects; what it does not name is what
an interrupted backup has left. The objects have their path in the store and the time of their last
change as name, so that none is ever replaced, and a backup only adds those that are new.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from gateway.private_files import create_private_directory, create_private_file
from gateway.settings import NotConfigured

FORMAT = 1
"""Number of this layout."""
OBJECTS = "objects"
"""Directory of the objects."""
_SUMMARY, _LOCK = "backup.json", "lock"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file of a backup, whose name nothing else has: `size` in bytes, `sha256` in hex digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup.

    Attributes:
        storegraph: version of Storegraph that made it.
        revision: revision of the database.
        begun_at: when the database was copied, as RFC 3339.
        listing: lines of `ListedFile`, in the order of their paths.
        secret: the secret of the data directory; None if it is a setting.
        objects: number of files in the listing, and `object_bytes` their total size.
        missing: number of files that the store did not have.
    """

    storegraph: str
    revision: str
    begun_at: str
    database: CopiedFile
    listing: CopiedFile
    secret: CopiedFile | None
    objects: int
    object_bytes: int
    missing: int


class ListedFile(NamedTuple):
    """A file of the object store: `path` below its root, `modified` in nanoseconds."""

    sha256: str
    size: int
    modified: int
    path: str

    @property
    def name(self) -> str:
        """The path in the backup, below `OBJECTS`."""
        return f"{self.path}.{self.modified:x}"

    def line(self) -> str:
        """Return the line of the listing."""
        return f"{self.sha256}\t{self.size}\t{self.modified}\t{self.path}\n"


def read_listing(path: Path) -> Iterator[ListedFile]:
    """Yield the lines of a listing."""
    with path.open() as lines:
        for line in lines:
            sha256, size, modified, stored = line.rstrip("\n").split("\t")
            yield ListedFile(sha256, int(size), int(modified), stored)


@contextmanager
def locked_directory(directory: Path, *, creates: bool = False) -> Iterator[None]:
    """Lock a directory of backups: to write to it if `creates`, else to read.

    Raises:
        NotConfigured: another process writes to it, or it has other files.
    """
    lock = directory / _LOCK
    if creates:
        create_private_directory(directory)
        if not lock.exists() and any(directory.iterdir()):
            raise NotConfigured(
                f"{directory} has other files. Name an empty directory, or one of a backup."
            )
        create_private_file(lock)
    elif not lock.exists():
        raise NotConfigured(f"There is no backup in {directory}.")
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if creates else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotConfigured(f"Another process uses the backup in {directory}.") from None
        yield


def read_backup(directory: Path) -> Backup | None:
    """Return the complete backup of a directory; None if there is none.

    Raises:
        NotConfigured: it has another layout.
    """
    try:
        values = json.loads((directory / _SUMMARY).read_bytes())
    except FileNotFoundError:
        return None
    if values.pop("format") != FORMAT:
        raise NotConfigured(
            f"The backup in {directory} was made by Storegraph {values['storegraph']}, whose "
            "backups have another layout. Restore it with that version."
        )
    for name in ("database", "listing", "secret"):
        values[name] = values[name] and CopiedFile(**values[name])
    return Backup(**values)


def write_backup(directory: Path, backup: Backup) -> None:
    """Replace the complete backup of a directory, all files of which are on the disk."""
    draft = directory / f"{_SUMMARY}.new"
    draft.unlink(missing_ok=True)
    create_private_file(draft)
    with draft.open("w") as file:
        json.dump({"format": FORMAT, **asdict(backup)}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(directory / _SUMMARY)
    sync_directory(directory)


def remove_others(directory: Path, backup: Backup | None) -> None:
    """Remove what the complete backup of a directory does not name."""
    kept = {_SUMMARY, _LOCK, OBJECTS}
    if backup:
        files = (backup.database, backup.listing, backup.secret)
        kept |= {file.name for file in files if file}
    for path in directory.iterdir():
        if path.name not in kept:
            path.unlink()


def remove_other_objects(directory: Path, backup: Backup) -> None:
    """Remove the objects that the listing of a backup does not name, directory by directory."""
    listed = read_listing(directory / backup.listing.name)
    awaited = next(listed, None)
    for folder in sorted((directory / OBJECTS).glob("*/*")):
        kept = set()
        while awaited and (directory / OBJECTS / awaited.path).parent == folder:
            kept.add(Path(awaited.name).name)
            awaited = next(listed, None)
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
        if not kept:
            folder.rmdir()


def described(path: Path) -> CopiedFile:
    """Return the description of a file that nobody changes any more."""
    return CopiedFile(path.name, path.stat().st_size, digest_of(path))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put_into(source: Path, directory: Path) -> tuple[Path, bool]:
    """Put a file under a temporary name into a directory.

    Returns its path there, and whether it is a copy, which is on the disk. On the same file system
    it is a hard link.

    Raises:
        FileNotFoundError: there is no such file.
    """
    target = directory / f".{secrets.token_hex(16)}"
    try:
        os.link(source, target, follow_symlinks=False)
        return target, False
    except FileNotFoundError:
        raise
    except OSError:
        create_private_file(target)
        with target.open("wb") as copy, source.open("rb") as file:
            status = os.fstat(file.fileno())
            shutil.copyfileobj(file, copy, _BLOCK_BYTES)
            copy.flush()
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(copy.fileno())
        return target, True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file that will be written to, and put the copy, once on the disk, into its place."""
    create_private_directory(target.parent)
    draft = target.with_name(f"{target.name}.new")
    draft.unlink(missing_ok=True)
    create_private_file(draft)
    with source.open("rb") as file, draft.open("wb") as copy:
        shutil.copyfileobj(file, copy, _BLOCK_BYTES)
        copy.flush()
        os.fsync(copy.fileno())
    draft.replace(target)
    sync_directory(target.parent)


def rename(path: Path, target: Path) -> None:
    """Give a placed file its name."""
    path.replace(target)
    # Renaming does nothing if both are links to the same file.
    with suppress(FileNotFoundError):
        path.unlink()


def sync_directory(directory: Path) -> None:
    """Write the names of a directory's files to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
