"""Tags by which DICOM studies are filtered, and the values that series have of them.

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Key

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dicom_indexed_tags",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("tag", Key, nullable=False),
        sa.Column("private_creator", Key, nullable=False),
        sa.Column("vr", AutoString(), nullable=False),
        sa.Column("is_filled", sa.Boolean(), nullable=False),
        sa.Column("filled_until", sa.Uuid(), nullable=True),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        sa.Column("job_uuid", sa.Uuid(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_uuid"],
            ["jobs.uuid"],
            name="fk_dicom_indexed_tags_job_uuid_jobs",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_indexed_tags"),
    )
    op.create_index(
        "uq_dicom_indexed_tags_tag_private_creator",
        "dicom_indexed_tags",
        ["tag", "private_creator"],
        unique=True,
        sqlite_where=sa.text("NOT is_removed"),
        postgresql_where=sa.text("NOT is_removed"),
    )
    op.create_index("ix_dicom_indexed_tags_job_uuid", "dicom_indexed_tags", ["job_uuid"])
    op.create_table(
        "dicom_tag_values",
        sa.Column("series_uuid", sa.Uuid(), nullable=False),
        sa.Column("indexed_tag_uuid", sa.Uuid(), nullable=False),
        sa.Column("value_key", Key, nullable=False),
        sa.Column("number", sa.Float(), nullable=True),
        sa.Column("instances", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_uuid"],
            ["dicom_series.uuid"],
            name="fk_dicom_tag_values_series_uuid_dicom_series",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["indexed_tag_uuid"],
            ["dicom_indexed_tags.uuid"],
            name="fk_dicom_tag_values_indexed_tag_uuid_dicom_indexed_tags",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "series_uuid", "indexed_tag_uuid", "value_key", name="pk_dicom_tag_values"
        ),
    )
    op.create_index(
        "ix_dicom_tag_values_indexed_tag_uuid_value_key",
        "dicom_tag_values",
        ["indexed_tag_uuid", "value_key", "series_uuid"],
    )
    op.create_index(
        "ix_dicom_tag_values_indexed_tag_uuid_number",
        "dicom_tag_values",
        ["indexed_tag_uuid", "number", "series_uuid"],
        sqlite_where=sa.text("number IS NOT NULL"),
        postgresql_where=sa.text("number IS NOT NULL"),
    )
