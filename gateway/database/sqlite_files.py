"""Copies of SQLite databases that are in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.private_files import create_private_file


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, while others write to it. Blocks: for threads."""
    create_private_file(target)
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True)) as database,
        closing(sqlite3.connect(target)) as copy,
    ):
        # All pages in one step: it reads one state, and does not begin again at each commit.
        database.backup(copy)


def close_database(path: Path) -> None:
    """Make a database that nobody uses one file, on the disk. Blocks: for threads."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())
