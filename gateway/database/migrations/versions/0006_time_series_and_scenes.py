"""Time series and scenes are read, and shown as their users like.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in (
        "time_series",
        "time_series_settings",
        "scene",
        "scene_view_settings",
        "scene_layout",
    ):
        op.add_column("items", sa.Column(name, Json))


def downgrade() -> None:
    raise NotImplementedError("What is known of time series and scenes would be lost.")
