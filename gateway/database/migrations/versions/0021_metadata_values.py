"""Items are found by the values of declared metadata keys.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from gateway.models.base import Key, RowId

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SQLITE_TEXTS = (
    "CREATE VIRTUAL TABLE metadata_texts USING fts5("
    "text_fold, content='metadata_values', content_rowid='id', "
    "tokenize='trigram case_sensitive 1')",
    "CREATE TRIGGER metadata_values_indexed AFTER INSERT ON metadata_values "
    "WHEN new.text_fold IS NOT NULL BEGIN "
    "INSERT INTO metadata_texts (rowid, text_fold) VALUES (new.id, new.text_fold); END",
    "CREATE TRIGGER metadata_values_unindexed AFTER DELETE ON metadata_values "
    "WHEN old.text_fold IS NOT NULL BEGIN "
    "INSERT INTO metadata_texts (metadata_texts, rowid, text_fold) "
    "VALUES ('delete', old.id, old.text_fold); END",
)
_POSTGRESQL_TEXTS = (
    "CREATE INDEX ix_metadata_values_texts ON metadata_values "
    "USING gin (text_fold gin_trgm_ops) WHERE text_fold IS NOT NULL",
)


def upgrade() -> None:
    op.add_column(
        "metadata_fields",
        sa.Column("is_filled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("metadata_fields", sa.Column("filled_until", sa.Uuid()))
    op.create_table(
        "metadata_values",
        sa.Column("id", RowId, nullable=False),
        sa.Column("field_uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Float()),
        sa.Column("moment", UTCDateTime()),
        *(sa.Column(name, Key) for name in ("text", "text_key", "text_fold")),
        sa.Column("cell", sa.BigInteger()),
        *(sa.Column(name, sa.Float()) for name in ("x", "y", "z")),
        sa.PrimaryKeyConstraint("id", name="pk_metadata_values"),
        sa.ForeignKeyConstraint(
            ["field_uuid"],
            ["metadata_fields.uuid"],
            ondelete="CASCADE",
            name="fk_metadata_values_field_uuid_metadata_fields",
        ),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            ondelete="CASCADE",
            name="fk_metadata_values_item_uuid_items",
        ),
    )
    op.create_index(
        "uq_metadata_values_field_uuid_item_uuid",
        "metadata_values",
        ["field_uuid", "item_uuid"],
        unique=True,
    )
    op.create_index("ix_metadata_values_item_uuid", "metadata_values", ["item_uuid"])
    for column in ("number", "moment", "text_key", "cell"):
        present = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_metadata_values_{column}",
            "metadata_values",
            ["field_uuid", column, "item_uuid"],
            sqlite_where=present,
            postgresql_where=present,
        )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE_TEXTS if is_sqlite else _POSTGRESQL_TEXTS:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("metadata_values")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE metadata_texts")
    op.drop_column("metadata_fields", "filled_until")
    op.drop_column("metadata_fields", "is_filled")
