"""Files that were chosen as the thumbnails of their items.

Revision ID: 0067
Revises: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "bitstreams",
        sa.Column("is_thumbnail", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_bitstreams_thumbnail",
        "bitstreams",
        ["item_uuid"],
        sqlite_where=sa.text("is_thumbnail = 1"),
        postgresql_where=sa.text("is_thumbnail"),
    )
