"""Copies of items, which know what they were copied from.

Revision ID: 0066
Revises: 0065
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("copy_of_uuid", sa.Uuid(), nullable=True))
    is_copy = sa.text("copy_of_uuid IS NOT NULL")
    op.create_index(
        "ix_items_copy_of_uuid",
        "items",
        ["copy_of_uuid"],
        sqlite_where=is_copy,
        postgresql_where=is_copy,
    )
