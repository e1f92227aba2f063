"""Memberships say whether a sign-in created them.

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "memberships",
        sa.Column("by_sign_in", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
