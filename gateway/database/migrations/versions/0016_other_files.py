"""Folders count files of other formats.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "folder_counters",
        sa.Column("other_files", sa.BigInteger(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    raise NotImplementedError("Items of a kind that is not known there would remain.")
