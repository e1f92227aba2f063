"""Backups of a site with SQLite and the local disk, which may run meanwhile."""

import asyncio
import os
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TextIO

import sqlalchemy as sa

from gateway.auth.secret import secret_file
from gateway.clock import now
from gateway.context import Services
from gateway.database.engine import Database
from gateway.database.migrate import current_revision
from gateway.database.removals import suspended_removals
from gateway.database.sqlite_files import close_database, copy_database
from gateway.maintenance.backup_files import (
    OBJECTS,
    Backup,
    ListedFile,
    copy_file,
    described,
    digest_of,
    locked_directory,
    put_into,
    read_backup,
    read_listing,
    remove_other_objects,
    remove_others,
    rename,
    sync_directory,
    write_backup,
)
from gateway.maintenance.named_objects import NamedObject, named_objects
from gateway.models.uploads import UploadRecord, uploads
from gateway.private_files import create_private_directory, create_private_file
from gateway.settings import NotConfigured
from gateway.stores.disk import DiskStore, object_path, parts_path

_FILES = 200
"""Files that are copied in one call in a thread."""


class Wanted(NamedTuple):
    """A file of the store that a backup wants; `sha256` if the database has it."""

    path: str
    sha256: str | None = None
    must_exist: bool = False


@dataclass(slots=True)
class Tally:
    """Numbers of the files that a backup has: all of them with their bytes, and those that are new.

    `missing` are files that the store lacks, `damaged` those whose checksum is wrong.
    """

    objects: int = 0
    object_bytes: int = 0
    new: int = 0
    missing: int = 0
    damaged: int = 0


async def back_up(services: Services, directory: Path) -> tuple[Backup, Tally]:
    """Make or renew the backup in a directory, and return it with what was copied.

    The database is copied first, and then what it names, while nothing is removed from the store.
    The former backup stays complete until this one is.

    Raises:
        NotConfigured: the site is of another kind, or the directory cannot be used.
    """
    store, database = services.store, services.database
    if not database.is_embedded or not isinstance(store, DiskStore):
        raise NotConfigured(
            "This command is for sites with SQLite and the local disk. docs/backups.md says how to "
            "back up PostgreSQL and S3."
        )
    with locked_directory(directory, creates=True):
        former = read_backup(directory)
        remove_others(directory, former)
        token = secrets.token_hex(8)
        copy, listing = directory / f"database-{token}.sqlite", directory / f"objects-{token}.tsv"
        async with suspended_removals(database):
            begun_at = now()
            await asyncio.to_thread(copy_database, Path(database.url.database or ""), copy)
            keeper = _Keeper(store.root, directory, former)
            create_private_file(listing)
            with listing.open("w") as lines:
                await _keep_objects(copy, keeper, lines)
        await asyncio.to_thread(close_database, copy)
        await asyncio.to_thread(keeper.sync, listing)
        secret = None
        if not services.settings.secret_key:
            secret = directory / f"secret-{token}"
            copy_file(secret_file(services.settings), secret)
        tally = keeper.tally
        backup = Backup(
            version("storegraph"),
            current_revision(),
            begun_at.isoformat(timespec="seconds"),
            await asyncio.to_thread(described, copy),
            await asyncio.to_thread(described, listing),
            described(secret) if secret else None,
            tally.objects,
            tally.object_bytes,
            tally.missing,
        )
        write_backup(directory, backup)
        remove_others(directory, backup)
        await asyncio.to_thread(remove_other_objects, directory, backup)
    return backup, tally


class _Keeper:
    """Puts files of a store into a backup, unless the former backup has them."""

    def __init__(self, root: Path, directory: Path, former: Backup | None) -> None:
        self.tally = Tally()
        self._root = root
        self._objects = directory / OBJECTS
        create_private_directory(self._objects)
        self._former: Iterator[ListedFile] = iter(())
        if former:
            self._former = read_listing(directory / former.listing.name)
        self._next = next(self._former, None)
        self._touched: set[Path] = {directory, self._objects}

    def keep(self, files: Collection[Wanted]) -> list[str]:
        """Keep files, in the order of their paths, and return their lines of the listing."""
        return [listed.line() for wanted in files if (listed := self._keep(wanted))]

    def parts(self, directories: Collection[str]) -> list[Wanted]:
        """Return the parts that are in these directories of the store."""
        paths = (path for name in directories for path in sorted((self._root / name).glob("*")))
        return [Wanted(str(path.relative_to(self._root))) for path in paths]

    def sync(self, listing: Path) -> None:
        """Write everything to the disk."""
        with listing.open("rb") as file:
            os.fsync(file.fileno())
        for directory in self._touched:
            sync_directory(directory)

    def _keep(self, wanted: Wanted) -> ListedFile | None:
        try:
            listed = self._listed(wanted) or self._add(wanted)
        except FileNotFoundError:
            self.tally.missing += wanted.must_exist
            return None
        self.tally.objects += 1
        self.tally.object_bytes += listed.size
        return listed

    def _listed(self, wanted: Wanted) -> ListedFile | None:
        """Return the line of the former backup for a file that has not changed since."""
        while self._next and self._next.path < wanted.path:
            self._next = next(self._former, None)
        known = self._next
        if known is None or known.path != wanted.path:
            return None
        status = (self._root / wanted.path).stat()
        is_same = (status.st_size, status.st_mtime_ns) == (known.size, known.modified)
        return known if is_same and (self._objects / known.name).exists() else None

    def _add(self, wanted: Wanted) -> ListedFile:
        target = (self._objects / wanted.path).parent
        if target not in self._touched:
            create_private_directory(target)
            self._touched |= {target, target.parent}
        placed, is_copy = put_into(self._root / wanted.path, target)
        status = placed.stat()
        sha256 = wanted.sha256
        if is_copy or sha256 is None:
            sha256 = digest_of(placed)
            self.tally.damaged += wanted.sha256 not in (None, sha256)
        listed = ListedFile(sha256, status.st_size, status.st_mtime_ns, wanted.path)
        rename(placed, self._objects / listed.name)
        self.tally.new += 1
        return listed


async def _keep_objects(copy: Path, keeper: _Keeper, lines: TextIO) -> None:
    """Keep all files that a copy of the database names."""
    database = Database(f"sqlite:///{copy}")
    try:
        page: list[NamedObject] = []
        async for named in named_objects(database):
            page.append(named)
            if len(page) == _FILES:
                lines.writelines(await asyncio.to_thread(keeper.keep, _wanted(page)))
                page = []
        lines.writelines(await asyncio.to_thread(keeper.keep, _wanted(page)))
        in_parts = sa.select(uploads.c.object_key, uploads.c.parts_id)
        begun = in_parts.where(uploads.c.parts_id.is_not(None)).order_by(uploads.c.object_key)
        rows = await database.rows(begun, UploadRecord)
        for start in range(0, len(rows), _FILES):
            some = rows[start : start + _FILES]
            names = [parts_path(row.object_key, row.parts_id or "") for row in some]
            parts = await asyncio.to_thread(keeper.parts, names)
            lines.writelines(await asyncio.to_thread(keeper.keep, parts))
    finally:
        await database.close()


def _wanted(page: Collection[NamedObject]) -> list[Wanted]:
    return [Wanted(object_path(each.key), each.sha256, each.must_exist) for each in page]
