"""Uploads know the kind that was announced, if one was.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("item_type", sa.String(32)))
    op.execute(
        "UPDATE uploads SET item_type = "
        "(SELECT items.item_type FROM items WHERE items.uuid = uploads.item_uuid)"
    )


def downgrade() -> None:
    raise NotImplementedError("Files whose kind is open would be announced as something else.")
