"""What jobs wait for that is no fault of theirs.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("waiting_for", sa.String(32)))


def downgrade() -> None:
    raise NotImplementedError("Jobs that wait could not say so any more.")
