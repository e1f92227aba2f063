"""Restoration of a backup into an empty data directory."""

import asyncio
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.auth.secret import secret_file
from gateway.database.dialects import database_url, is_sqlite
from gateway.database.migrate import is_known_revision
from gateway.maintenance.backup_files import (
    OBJECTS,
    Backup,
    CopiedFile,
    ListedFile,
    copy_file,
    digest_of,
    locked_directory,
    put_into,
    read_backup,
    read_listing,
    rename,
    sync_directory,
)
from gateway.private_files import create_private_directory, create_private_file
from gateway.settings import NotConfigured, Settings
from gateway.wiring import RESTORING, resolve_database_url

_FILES = 100
"""Files that are copied in one call in a thread."""


async def restore(settings: Settings, directory: Path) -> tuple[Backup, list[str]]:
    """Restore the backup of a directory, and return it with the paths of damaged files.

    Damaged files are left out. The database comes last: until then, no command runs on the site,
    and an interrupted restoration can be repeated.

    Raises:
        NotConfigured: there is no complete backup that this version can read, or the site exists.
    """
    database = database_url(resolve_database_url(settings))
    if not is_sqlite(database) or settings.objects_url.startswith("s3:"):
        raise NotConfigured(
            "This command is for sites with SQLite and the local disk. docs/backups.md says how to "
            "restore PostgreSQL and S3."
        )
    target = Path(database.database or "")
    root = settings.data_dir / "objects"
    if settings.objects_url:
        root = Path(unquote(urlsplit(settings.objects_url).path))
    with locked_directory(directory):
        backup = await asyncio.to_thread(_checked_backup, directory)
        marker = settings.data_dir / RESTORING
        _refuse_existing(marker, backup, (settings.data_dir, root), target)
        create_private_file(marker)
        marker.write_text(backup.database.sha256)
        sync_directory(settings.data_dir)
        damaged = await _put_objects(directory, backup, root)
        if backup.secret and not settings.secret_key:
            copy_file(directory / backup.secret.name, secret_file(settings))
        await asyncio.to_thread(copy_file, directory / backup.database.name, target)
        marker.unlink()
        sync_directory(settings.data_dir)
    return backup, damaged


def _checked_backup(directory: Path) -> Backup:
    """Return the complete backup of a directory whose database and listing are as written."""
    backup = read_backup(directory)
    if backup is None:
        raise NotConfigured(
            f"There is no complete backup in {directory}: it was interrupted. "
            "Run `storegraph backup` again on the site."
        )
    if not is_known_revision(backup.revision):
        raise NotConfigured(
            f"The backup was made by a newer version of Storegraph, {backup.storegraph}. "
            "Restore it with that version or a later one."
        )
    files = (backup.database, backup.listing, backup.secret)
    for file in (each for each in files if each):
        if not _is_whole(directory / file.name, file):
            raise NotConfigured(
                f"{directory / file.name} is damaged: it is not as it was written. "
                "Restore another backup."
            )
    return backup


def _refuse_existing(
    marker: Path, backup: Backup, directories: Collection[Path], database: Path
) -> None:
    """Raise `NotConfigured` if there is anything but an interrupted restoration of this backup."""
    if marker.exists() and marker.read_text() in ("", backup.database.sha256):
        return
    for path in directories:
        if path.exists() and any(path.iterdir()):
            raise NotConfigured(
                f"{path} is not empty. Move it away, or set STOREGRAPH_DATA_DIR to a directory that "
                "does not exist."
            )
    if database.exists():
        raise NotConfigured(f"There is a database at {database}. Move it away.")


async def _put_objects(directory: Path, backup: Backup, root: Path) -> list[str]:
    """Put the objects of a backup into a store, and return the paths of those that are damaged."""
    create_private_directory(root)
    listed = read_listing(directory / backup.listing.name)
    damaged: list[str] = []
    touched = {root}

    def put(page: Collection[ListedFile]) -> None:
        for each in page:
            source, target = directory / OBJECTS / each.name, root / each.path
            if not _is_whole(source, each):
                damaged.append(each.path)
                continue
            if target.parent not in touched:
                create_private_directory(target.parent)
                touched.update({target.parent, target.parent.parent})
            placed, _ = put_into(source, target.parent)
            rename(placed, target)

    while page := list(islice(listed, _FILES)):
        await asyncio.to_thread(put, page)
    for each in touched:
        await asyncio.to_thread(sync_directory, each)
    return damaged


def _is_whole(path: Path, expected: CopiedFile | ListedFile) -> bool:
    """Return whether a file has the expected size and checksum."""
    if not path.is_file() or path.stat().st_size != expected.size:
        return False
    return digest_of(path) == expected.sha256
