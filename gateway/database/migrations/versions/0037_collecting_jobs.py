"""Jobs that add or remove the items that match a filter, which are many, to or from a collection.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("collection_uuid", sa.Uuid()))
    op.add_column("jobs", sa.Column("item_filter", Json))
    op.add_column(
        "jobs",
        sa.Column("removes_items", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    raise NotImplementedError("Jobs that run would be lost.")
