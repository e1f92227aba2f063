"""Deletions of groups with many members, which follow a rule for these.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("frame_rule", sa.String(32)))


def downgrade() -> None:
    raise NotImplementedError("Deletions that run would not know their rule.")
