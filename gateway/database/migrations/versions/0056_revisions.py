"""Revisions of items, and their files.

Items that have one file get no rows: their columns say everything.

Revision ID: 0056
Revises: 0055
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from gateway.models.base import Json, Key

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "items", sa.Column("revision_number", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column("items", sa.Column("file_count", sa.Integer(), nullable=True))
    op.add_column(
        "items", sa.Column("older_size", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column(
        "folder_counters",
        sa.Column("older_size", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_table(
        "item_revisions",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=True),
        sa.Column("changes", AutoString(), nullable=False),
        sa.Column("client_metadata", Json, nullable=True),
        sa.Column("file_count", sa.Integer(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name="fk_item_revisions_item_uuid_items",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name="fk_item_revisions_user_uuid_users",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_item_revisions"),
        sa.UniqueConstraint("item_uuid", "number", name="uq_item_revisions_item_uuid_number"),
    )
    op.create_index("ix_item_revisions_user_uuid", "item_revisions", ["user_uuid"])
    op.create_table(
        "bitstreams",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("first_revision", sa.Integer(), nullable=False),
        sa.Column("last_revision", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("mime_type", AutoString(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", AutoString(), nullable=True),
        sa.Column("object_key", Key, nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("storage_location", sa.String(32), nullable=False),
        sa.Column("integration_uuid", sa.Uuid(), nullable=True),
        sa.Column("is_lost", sa.Boolean(), nullable=False),
        sa.Column("source_modified_at", UTCDateTime(), nullable=True),
        sa.Column("facts", Json, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name="fk_bitstreams_item_uuid_items", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["object_key"], ["stored_objects.key"], name="fk_bitstreams_object_key_stored_objects"
        ),
        sa.ForeignKeyConstraint(
            ["integration_uuid"],
            ["cloud_integrations.uuid"],
            name="fk_bitstreams_integration_uuid_cloud_integrations",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_bitstreams"),
    )
    op.create_index(
        "ix_bitstreams_item_uuid",
        "bitstreams",
        ["item_uuid", "last_revision", "position", "uuid"],
    )
    op.create_index(
        "uq_bitstreams_item_uuid_name",
        "bitstreams",
        ["item_uuid", "name"],
        unique=True,
        sqlite_where=sa.text("last_revision IS NULL"),
        postgresql_where=sa.text("last_revision IS NULL"),
    )
    op.create_index("ix_bitstreams_object_key", "bitstreams", ["object_key"])
    op.create_index("ix_bitstreams_integration_uuid", "bitstreams", ["integration_uuid"])
