"""Sequences whose numbers become visible in their order.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import KeyString

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    sequences = op.create_table(
        "sequences",
        sa.Column("name", KeyString, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sequences"),
    )
    op.bulk_insert(sequences, [{"name": "changes", "value": 0}, {"name": "jobs", "value": 0}])
