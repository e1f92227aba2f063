"""Migrations: bringing a database up to date, and checking whether it is."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.database.dialects import (
    WRITING,
    blocking_url,
    configure_connections,
    database_url,
    is_sqlite,
)
from gateway.database.table_locks import lock_for_migration
from gateway.private_files import create_private_file
from gateway.settings import NotConfigured

_MIGRATIONS = files("gateway.database") / "migrations"


class DatabaseVersion(Enum):
    """The version of a database, compared with that of the code."""

    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"


def migrate(url: str) -> None:
    """Apply all missing migrations. Blocks: for commands and threads.

    Processes that migrate the same database wait for one another.

    Raises:
        NotConfigured: the database is newer than the code, or cannot be reached.
    """
    with _connection(url, writes=True) as connection:
        lock_for_migration(connection)
        _refuse_newer(_version(connection))
        with warnings.catch_warnings():
            # Tables that are rebuilt refer to others, whose indexes of expressions stay.
            warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based")
            command.upgrade(_config(connection), "head")


def database_version(url: str) -> DatabaseVersion:
    """Return how an existing database compares with the code. Blocks: for commands and threads.

    Raises:
        NotConfigured: there is no such file, or the database cannot be reached.
    """
    address = database_url(url)
    if is_sqlite(address) and not Path(address.database or "").exists():
        # Connecting would create it.
        raise NotConfigured(
            f"There is no database at {address.database}. Run: storegraph serve, or storegraph migrate"
        )
    with _connection(url) as connection:
        return _version(connection)


def check_current(url: str) -> None:
    """Raise `NotConfigured` unless the database exists and is of this version.

    Blocks: for commands and threads.
    """
    version = database_version(url)
    _refuse_newer(version)
    if version is DatabaseVersion.OLDER:
        raise NotConfigured("The database is behind this version. Run: storegraph migrate")


def current_revision() -> str:
    """Return the revision of a database of this version."""
    return _revisions()[0]


def is_known_revision(revision: str) -> bool:
    """Return whether a database of a revision can be migrated to this version."""
    return revision in _revisions()


def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Return whether a table or index comes from `gateway.models`.

    The tables of the queue and of the trigram indexes are created by SQL of their own, and so are
    indexes of expressions.
    """
    return (
        kind not in ("table", "index")
        or not name
        or not (
            name.startswith("procrastinate_")
            or "_names" in name
            or "_texts" in name
            or "_descriptions" in name
            or "_half" in name
        )
    )


def _refuse_newer(version: DatabaseVersion) -> None:
    if version is DatabaseVersion.NEWER:
        raise NotConfigured(
            "The database was migrated by a newer version of Storegraph than this one. "
            "Run that version or a later one."
        )


def _version(connection: sa.Connection) -> DatabaseVersion:
    """Return how the database of a connection compares with the code."""
    revision = MigrationContext.configure(connection).get_current_revision()
    revisions = _revisions()
    if revision is None:
        return DatabaseVersion.OLDER
    if revision not in revisions:
        return DatabaseVersion.NEWER
    return DatabaseVersion.CURRENT if revision == revisions[0] else DatabaseVersion.OLDER


@cache
def _revisions() -> list[str]:
    """Return the revisions that the code knows, latest first."""
    return [script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()]


@contextmanager
def _connection(url: str, *, writes: bool = False) -> Iterator[sa.Connection]:
    """Yield a connection with an open transaction.

    Raises:
        NotConfigured: the database cannot be reached.
    """
    target = blocking_url(database_url(url))
    if writes and is_sqlite(target) and target.database not in (None, ":memory:"):
        create_private_file(Path(target.database or ""))
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    configure_connections(engine, sorts_in_memory=False)
    try:
        try:
            connection = engine.connect().execution_options(**{WRITING: writes})
            transaction = connection.begin()
        except sa.exc.OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise NotConfigured(f"Cannot open the database: {reason}") from None
        with connection, transaction:
            yield connection
    finally:
        engine.dispose()


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config
