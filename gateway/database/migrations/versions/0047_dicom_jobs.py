"""Jobs about DICOM studies, and their units.

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Json, Key

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("dicom_phase", sa.String(32), nullable=True))
    op.add_column("jobs", sa.Column("dicom_study_uids", Json, nullable=True))
    op.add_column("jobs", sa.Column("dicom_spec", Json, nullable=True))
    op.create_table(
        "dicom_job_units",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("series_uid", Key, nullable=True),
        sa.Column("sop_instance_uid", Key, nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_uuid"],
            ["jobs.uuid"],
            name="fk_dicom_job_units_job_uuid_jobs",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_job_units"),
        sa.UniqueConstraint("job_uuid", "position", name="uq_dicom_job_units_job_uuid_position"),
        sa.UniqueConstraint("job_uuid", "item_uuid", name="uq_dicom_job_units_job_uuid_item_uuid"),
    )
    op.create_index(
        "ix_dicom_job_units_job_uuid_status",
        "dicom_job_units",
        ["job_uuid", "status", "position"],
        unique=False,
    )
