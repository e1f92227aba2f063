"""Jobs that copy DICOM instances.

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

UNITS = "dicom_job_units"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("dicom_operation", sa.String(32), nullable=True))
    op.add_column("jobs", sa.Column("target_folder_uuid", sa.Uuid(), nullable=True))
    op.add_column(UNITS, sa.Column("object_key", Key, nullable=True))
    op.add_column(UNITS, sa.Column("copy_uuid", sa.Uuid(), nullable=True))
    op.add_column(UNITS, sa.Column("source_version", sa.String(), nullable=True))
    op.create_index("ix_dicom_job_units_object_key", UNITS, ["object_key"])
    op.create_index("ix_dicom_job_units_copy_uuid", UNITS, ["copy_uuid"])
    op.create_index(
        "ix_dicom_job_units_job_uuid_sop_instance_uid",
        UNITS,
        ["job_uuid", "sop_instance_uid", "source"],
    )
    op.create_index(
        "ix_dicom_job_units_job_uuid_series_uid", UNITS, ["job_uuid", "series_uid", "source"]
    )
