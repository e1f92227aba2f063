"""Unfinished uploads are listed by the user who announced them.

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("user_uuid", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE uploads SET user_uuid = (SELECT owner_uuid FROM items WHERE uuid = item_uuid) "
        "WHERE source_url IS NULL"
    )
    pending = sa.text("user_uuid IS NOT NULL AND unit_uuid IS NULL")
    op.create_index(
        "ix_uploads_pending",
        "uploads",
        ["user_uuid", "created_at", "item_uuid"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
