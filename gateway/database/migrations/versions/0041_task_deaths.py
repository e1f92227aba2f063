"""How many workers died while they ran a task.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "queued_tasks", sa.Column("deaths", sa.Integer(), nullable=False, server_default="0")
    )
    may_be_suspect = sa.text("(lease_until IS NOT NULL OR deaths > 0)")
    op.create_index(
        "ix_queued_tasks_suspects",
        "queued_tasks",
        ["name"],
        sqlite_where=may_be_suspect,
        postgresql_where=may_be_suspect,
    )


def downgrade() -> None:
    raise NotImplementedError("Downgrades are not supported.")
