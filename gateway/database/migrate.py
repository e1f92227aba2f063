"""Migrations: bringing a database up to date, and checking whether it is."""

from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.database.dialects import (
    blocking_url,
    configure_connections,
    database_url,
    is_sqlite,
)
from gateway.settings import NotConfigured


def migrate(url: str) -> None:
    """Apply all missing migrations. Blocks: for commands and threads."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Return whether all migrations are applied. Blocks: for commands and threads."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
            return revision == ScriptDirectory.from_config(_config(connection)).get_current_head()
    finally:
        engine.dispose()


def check_current(url: str) -> None:
    """Raise `NotConfigured` unless the database exists and all migrations are applied.

    Blocks: for commands and threads. Unlike opening it, this never creates a database.
    """
    address = database_url(url)
    if is_sqlite(address) and not Path(address.database or "").exists():
        raise NotConfigured(
            f"There is no database at {address.database}. Run: storegraph serve, or storegraph migrate"
        )
    if not is_current(url):
        raise NotConfigured("The database is behind this version. Run: storegraph migrate")


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
            or "_half" in name
        )
    )


def _engine(url: str) -> sa.Engine:
    target = blocking_url(database_url(url))
    if target.database and target.get_backend_name() == "sqlite" and target.database != ":memory:":
        Path(target.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    configure_connections(engine)
    return engine


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("gateway.database") / "migrations"))
    config.attributes["connection"] = connection
    return config
