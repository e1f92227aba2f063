"""Imports of trees: the items that files become part of.

Revision ID: 0061
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("target_uuid", sa.Uuid(), nullable=True))
    op.create_index("ix_uploads_target_uuid", "uploads", ["target_uuid"])
