"""Indexes by which descriptions of items are searched: trigrams, as of names, and how they begin.

Revision ID: 0070
Revises: 0069
"""

from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

_SQLITE = (
    "CREATE TABLE items_descriptions "
    "(rowid INTEGER PRIMARY KEY, uuid CHAR(32) NOT NULL UNIQUE, description_key TEXT NOT NULL)",
    "CREATE VIRTUAL TABLE items_descriptions_index USING fts5(description_key, "
    "content='items_descriptions', content_rowid='rowid', tokenize='trigram case_sensitive 1')",
    "INSERT INTO items_descriptions (uuid, description_key) "
    "SELECT uuid, storegraph_fold(description) FROM items WHERE description <> ''",
    "INSERT INTO items_descriptions_index (items_descriptions_index) VALUES ('rebuild')",
    "CREATE INDEX ix_items_descriptions_start ON items_descriptions (substr(description_key, 1, 2))",
    "CREATE TRIGGER items_descriptions_enter AFTER INSERT ON items WHEN new.description <> '' BEGIN "
    "INSERT INTO items_descriptions (uuid, description_key) "
    "VALUES (new.uuid, storegraph_fold(new.description)); END",
    "CREATE TRIGGER items_descriptions_leave AFTER DELETE ON items WHEN old.description <> '' BEGIN "
    "DELETE FROM items_descriptions WHERE uuid = old.uuid; END",
    "CREATE TRIGGER items_descriptions_change AFTER UPDATE OF description ON items "
    "WHEN old.description <> new.description BEGIN "
    "DELETE FROM items_descriptions WHERE uuid = old.uuid; "
    "INSERT INTO items_descriptions (uuid, description_key) "
    "SELECT new.uuid, storegraph_fold(new.description) WHERE new.description <> ''; END",
    "CREATE TRIGGER items_descriptions_indexed AFTER INSERT ON items_descriptions BEGIN "
    "INSERT INTO items_descriptions_index (rowid, description_key) "
    "VALUES (new.rowid, new.description_key); END",
    "CREATE TRIGGER items_descriptions_unindexed AFTER DELETE ON items_descriptions BEGIN "
    "INSERT INTO items_descriptions_index (items_descriptions_index, rowid, description_key) "
    "VALUES ('delete', old.rowid, old.description_key); END",
)
_POSTGRESQL = (
    "CREATE INDEX ix_items_descriptions ON items USING gin (lower(description) gin_trgm_ops) "
    "WHERE description <> ''",
    'CREATE INDEX ix_items_descriptions_start ON items ("left"(lower(description), 2) COLLATE "C") '
    "WHERE description <> ''",
)


def upgrade() -> None:
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
