"""Private folders inside public ones, and the changes that tell of them.

Revision ID: 0057
Revises: 0056
"""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    private = sa.text("visibility = 'PRIVATE'")
    op.create_index(
        "ix_folders_private",
        "folders",
        ["parent_uuid"],
        sqlite_where=private,
        postgresql_where=private,
    )
    op.add_column(
        "changes", sa.Column("is_private", sa.Boolean(), nullable=False, server_default=sa.false())
    )
