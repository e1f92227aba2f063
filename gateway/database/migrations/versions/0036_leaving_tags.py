"""Tags of many folders disappear at once when they are deleted, and a job removes them.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organisation_tags", sa.Column("deletion_uuid", sa.Uuid()))


def downgrade() -> None:
    raise NotImplementedError("Deleted tags would reappear.")
