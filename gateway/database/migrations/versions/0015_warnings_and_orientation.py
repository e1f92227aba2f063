"""Items say how their pixels are turned, and what could not be read from their files.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("orientation", sa.Integer, nullable=True))
    op.add_column("items", sa.Column("probe_warnings", Json, nullable=False, server_default="[]"))
