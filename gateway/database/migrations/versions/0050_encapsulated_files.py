"""PDFs and videos inside DICOM files, which are extracted from these.

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json, Key

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "encapsulated_files",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("mime_type", Key, nullable=False),
        sa.Column("ranges", Json, nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("object_key", Key, nullable=False),
        sa.Column("is_stored", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name="fk_encapsulated_files_item_uuid_items"
        ),
        sa.PrimaryKeyConstraint("item_uuid", name="pk_encapsulated_files"),
    )
    op.create_index("ix_encapsulated_files_object_key", "encapsulated_files", ["object_key"])
