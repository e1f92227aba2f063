"""Folders whose owner has offered them to somebody else.

Revision ID: 0068
Revises: 0067
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("folders", sa.Column("offered_to_uuid", sa.Uuid(), nullable=True))
