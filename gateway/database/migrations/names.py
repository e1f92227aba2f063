"""The indexes by which names are searched: FTS5 trigrams on SQLite, pg_trgm on PostgreSQL."""

from alembic import op

_SQLITE = (
    # A row id of its own: that of the table itself may change when the file is compacted.
    "CREATE TABLE {table}_names (rowid INTEGER PRIMARY KEY, uuid CHAR(32) NOT NULL UNIQUE, name_key TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE {table}_names_index USING fts5("
    "name_key, content='{table}_names', content_rowid='rowid', tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER {table}_names_enter AFTER INSERT ON {table} BEGIN "
    "INSERT INTO {table}_names (uuid, name_key) VALUES (new.uuid, new.name_key); END",
    "CREATE TRIGGER {table}_names_leave AFTER DELETE ON {table} BEGIN "
    "DELETE FROM {table}_names WHERE uuid = old.uuid; END",
    "CREATE TRIGGER {table}_names_change AFTER UPDATE OF name_key ON {table} WHEN old.name_key <> new.name_key BEGIN "
    "UPDATE {table}_names SET name_key = new.name_key WHERE uuid = new.uuid; END",
    "CREATE TRIGGER {table}_names_indexed AFTER INSERT ON {table}_names BEGIN "
    "INSERT INTO {table}_names_index (rowid, name_key) VALUES (new.rowid, new.name_key); END",
    "CREATE TRIGGER {table}_names_unindexed AFTER DELETE ON {table}_names BEGIN "
    "INSERT INTO {table}_names_index ({table}_names_index, rowid, name_key) "
    "VALUES ('delete', old.rowid, old.name_key); END",
    "CREATE TRIGGER {table}_names_reindexed AFTER UPDATE ON {table}_names BEGIN "
    "INSERT INTO {table}_names_index ({table}_names_index, rowid, name_key) "
    "VALUES ('delete', old.rowid, old.name_key); "
    "INSERT INTO {table}_names_index (rowid, name_key) VALUES (new.rowid, new.name_key); END",
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX ix_{table}_names ON {table} USING gin (name_key gin_trgm_ops)",
)


def index_names(table: str) -> None:
    """Make the names of a table searchable by any part of them."""
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement.format(table=table))
