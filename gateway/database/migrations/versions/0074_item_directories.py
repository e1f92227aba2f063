"""Items that were created without files, which are directories whatever number they have.

Copies do not tell how their originals began: those of one file stay files.

Revision ID: 0074
Revises: 0073
"""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "items", sa.Column("is_directory", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    # The first revision of an item that began with a file has the UUID of the item.
    op.execute(
        """UPDATE items SET is_directory = TRUE
        WHERE item_type = 'FILE' AND file_count IS NOT NULL AND (
            revision_number = 0
            OR copy_of_uuid IS NULL AND EXISTS (
                SELECT 1 FROM item_revisions AS first
                WHERE first.item_uuid = items.uuid AND first.number = 1 AND first.uuid <> items.uuid
            )
        )"""
    )
