"""Jobs read manifests, and items are found by their URLs.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "manifests",
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("object_key", Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_uuid"],
            ["upload_jobs.uuid"],
            name="fk_manifests_job_uuid_upload_jobs",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_uuid", name="pk_manifests"),
    )
    op.create_index("ix_manifests_object_key", "manifests", ["object_key"])
    for table, column in (
        ("upload_jobs", "skip_duplicate_urls"),
        ("upload_jobs", "upsert_metadata"),
        ("upload_units", "is_skipped"),
    ):
        op.add_column(
            table, sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.add_column(
        "upload_units",
        sa.Column("is_bound", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_index("ix_items_url", "items", ["url"], postgresql_using="hash")
    op.create_index("ix_uploads_source_url", "uploads", ["source_url"], postgresql_using="hash")


def downgrade() -> None:
    op.drop_index("ix_uploads_source_url", "uploads")
    op.drop_index("ix_items_url", "items")
    op.drop_column("upload_units", "is_bound")
    op.drop_column("upload_units", "is_skipped")
    op.drop_column("upload_jobs", "upsert_metadata")
    op.drop_column("upload_jobs", "skip_duplicate_urls")
    op.drop_table("manifests")
