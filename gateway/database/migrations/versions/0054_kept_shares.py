"""What is kept of items in several folders: marks and counts of folders, and orders of items.

Revision ID: 0054
Revises: 0053
"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

COPIED = (
    "name_key",
    "natural_key",
    "created_at",
    "last_edited_at",
    "file_size",
    "is_tombstone",
    "is_placeholder",
)
FOLLOW = f"""UPDATE item_shares SET {", ".join(f"{name} = new.{name}" for name in COPIED)}
    WHERE item_uuid = new.uuid"""
ON_UPDATE = f"AFTER UPDATE OF {', '.join(COPIED)} ON items"
SQLITE = (f"CREATE TRIGGER item_shares_follow {ON_UPDATE} WHEN new.is_shared BEGIN {FOLLOW}; END",)
POSTGRESQL = (
    "CREATE FUNCTION item_shares_follow() RETURNS trigger LANGUAGE plpgsql "
    f"AS $$ BEGIN {FOLLOW}; RETURN NULL; END $$",
    f"CREATE TRIGGER item_shares_follow {ON_UPDATE} FOR EACH ROW WHEN (new.is_shared) "
    "EXECUTE FUNCTION item_shares_follow()",
)


def upgrade() -> None:
    op.add_column(
        "folders",
        sa.Column("has_shares", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_folders_has_shares",
        "folders",
        ["path"],
        sqlite_where=sa.text("has_shares = 1"),
        postgresql_where=sa.text("has_shares"),
    )
    op.create_index(
        "ix_items_is_shared",
        "items",
        ["name_key", "uuid"],
        sqlite_where=sa.text("is_shared IS 1"),
        postgresql_where=sa.text("is_shared IS true"),
    )
    op.add_column(
        "folder_counters",
        sa.Column("shared_items", sa.BigInteger(), nullable=False, server_default="0"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
