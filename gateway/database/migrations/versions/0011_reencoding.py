"""Videos are re-encoded: jobs, their units, and the versions that they make.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reencode_jobs",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("is_forced", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("units_total_count", sa.Integer(), nullable=False),
        sa.Column("units_pending_count", sa.Integer(), nullable=False),
        sa.Column("units_error_count", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name="fk_reencode_jobs_user_uuid_users",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_reencode_jobs"),
    )
    op.create_index("ix_reencode_jobs_created_at", "reencode_jobs", ["created_at", "uuid"])
    op.create_index("ix_reencode_jobs_user_uuid", "reencode_jobs", ["user_uuid"])
    _create_units()
    _create_renditions()


def _create_units() -> None:
    op.create_table(
        "reencode_units",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_uuid", sa.Uuid()),
        sa.Column("object_key", Key, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("error", sa.String()),
        sa.ForeignKeyConstraint(
            ["job_uuid"],
            ["reencode_jobs.uuid"],
            name="fk_reencode_units_job_uuid_reencode_jobs",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name="fk_reencode_units_item_uuid_items",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_reencode_units"),
        sa.UniqueConstraint("job_uuid", "position", name="uq_reencode_units_job_uuid_position"),
    )
    op.create_index("ix_reencode_units_item_uuid", "reencode_units", ["item_uuid"])


def _create_renditions() -> None:
    op.create_table(
        "renditions",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("object_key", Key, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("mime_type", sa.String(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("fps", sa.Float(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name="fk_renditions_item_uuid_items", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["object_key"], ["stored_objects.key"], name="fk_renditions_object_key_stored_objects"
        ),
        sa.PrimaryKeyConstraint("item_uuid", name="pk_renditions"),
    )
    op.create_index("ix_renditions_object_key", "renditions", ["object_key"])


def downgrade() -> None:
    for table in ("renditions", "reencode_units", "reencode_jobs"):
        op.drop_table(table)
