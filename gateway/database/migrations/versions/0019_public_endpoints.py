"""Integrations say where clients reach their store.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cloud_integrations", sa.Column("public_endpoint", sa.String()))
    op.add_column("cloud_integrations", sa.Column("addressing_style", sa.String(32)))


def downgrade() -> None:
    op.drop_column("cloud_integrations", "addressing_style")
    op.drop_column("cloud_integrations", "public_endpoint")
