"""Metadata keys have types.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from gateway.models.base import Json, Key

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    schema = op.create_table(
        "metadata_schema",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metadata_schema"),
    )
    op.bulk_insert(schema, [{"id": 1, "revision": 0}])
    op.create_table(
        "metadata_fields",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("field_type", sa.String(length=32), nullable=False),
        sa.Column("enum_values", Json),
        sa.Column("embedding_size", sa.Integer()),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_gone", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("last_edited_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_metadata_fields"),
        sa.UniqueConstraint("key", name="uq_metadata_fields_key"),
    )


def downgrade() -> None:
    op.drop_table("metadata_fields")
    op.drop_table("metadata_schema")
