"""Cloud-synced folders say what they mirror, and syncs why they skipped an object.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json, Key

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("auto_sync_hours", sa.Integer(), nullable=False, server_default="24"),
        sa.Column("include_other_files", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("synced_item_type", sa.String(32)),
        sa.Column("include_patterns", Json, nullable=False, server_default="[]"),
        sa.Column("exclude_patterns", Json, nullable=False, server_default="[]"),
    ):
        op.add_column("folders", column)
    op.add_column(
        "cloud_sync_jobs",
        sa.Column("listed_count", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.create_table(
        "skipped_objects",
        sa.Column("uuid", sa.Uuid(), primary_key=True),
        sa.Column(
            "job_uuid",
            sa.Uuid(),
            sa.ForeignKey("cloud_sync_jobs.uuid", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("key", Key, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
    )
    op.create_index(
        "ix_skipped_objects_job_uuid_key", "skipped_objects", ["job_uuid", "key", "uuid"]
    )


def downgrade() -> None:
    raise NotImplementedError("What folders leave out would be mirrored.")
