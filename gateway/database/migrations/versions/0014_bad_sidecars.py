"""Syncs name the files of metadata that they could not attach.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cloud_sync_jobs",
        sa.Column("sidecar_error_keys", Json, nullable=False, server_default="[]"),
    )
