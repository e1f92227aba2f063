"""Visibility of folders, items in several folders, and communities.

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Key

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("folders", sa.Column("visibility", sa.String(32)))
    op.add_column("folders", _flag("is_public"))
    op.create_index(
        "ix_folders_is_public",
        "folders",
        ["name_key", "uuid"],
        sqlite_where=sa.text("is_public = 1"),
        postgresql_where=sa.text("is_public"),
    )
    op.add_column("items", _flag("is_shared"))
    _item_shares()
    _communities()


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _item_shares() -> None:
    op.create_table(
        "item_shares",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("shared_at", Moment(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("natural_key", Key, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("is_tombstone", sa.Boolean(), nullable=False),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        _key("item_shares", "item_uuid", "items", "CASCADE"),
        _key("item_shares", "folder_uuid", "folders", "CASCADE"),
        _key("item_shares", "user_uuid", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("item_uuid", "folder_uuid", name="pk_item_shares"),
    )
    op.create_index("ix_item_shares_user_uuid", "item_shares", ["user_uuid"])
    for column in ("name_key", "natural_key", "created_at", "last_edited_at", "file_size"):
        op.create_index(
            f"ix_item_shares_folder_uuid_{column}",
            "item_shares",
            ["folder_uuid", column, "item_uuid", "is_tombstone", "is_placeholder"],
        )


def _communities() -> None:
    unique = ("folder_uuid", "name_key", "admins_uuid", "moderators_uuid", "members_uuid")
    groups = ("admins_uuid", "moderators_uuid", "members_uuid")
    op.create_table(
        "communities",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("join_policy", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in groups),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        _key("communities", "folder_uuid", "folders", "CASCADE"),
        *(_key("communities", name, "groups", None) for name in groups),
        sa.PrimaryKeyConstraint("uuid", name="pk_communities"),
        *(sa.UniqueConstraint(name, name=f"uq_communities_{name}") for name in unique),
    )


def _key(table: str, column: str, other: str, on_delete: str | None) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.uuid"], name=name, ondelete=on_delete)
