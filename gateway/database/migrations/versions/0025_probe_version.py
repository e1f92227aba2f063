"""Items say which version of the prober read their facts.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("probe_version", sa.Integer(), nullable=True))
