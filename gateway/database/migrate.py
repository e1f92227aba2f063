"""Bringing a database to the newest version, and telling how far it is behind."""

from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.database.dialects import blocking_url, configure_connections, database_url


def migrate(url: str) -> None:
    """Apply every migration that the database lacks; blocking, for commands and threads."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Whether no migration is lacking; blocking."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            return found == ScriptDirectory.from_config(_config(connection)).get_current_head()
    finally:
        engine.dispose()


def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Whether a table or index is made from our rows; the queue's and the name index's are made by their own SQL."""
    return (
        kind not in ("table", "index")
        or not name
        or not (name.startswith("procrastinate_") or "_names" in name)
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
