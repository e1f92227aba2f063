"""Items are laid out together in data groups.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("data_group", Json))
    op.add_column("group_members", sa.Column("key", sa.String()))


def downgrade() -> None:
    raise NotImplementedError("The layouts of data groups would be lost.")
