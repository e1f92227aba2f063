"""The objects that the database names are listed in the order of their keys.

Revision ID: 0039
Revises: 0038
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_thumbnails_object_key", "thumbnails", ["object_key"])
    op.create_index("ix_reencode_units_object_key", "reencode_units", ["object_key"])


def downgrade() -> None:
    op.drop_index("ix_reencode_units_object_key", "reencode_units")
    op.drop_index("ix_thumbnails_object_key", "thumbnails")
