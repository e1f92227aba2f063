"""Projects within which anonymized DICOM objects have the same pseudonyms.

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Key

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dicom_projects",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("root_folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_projects"),
        sa.ForeignKeyConstraint(
            ["root_folder_uuid"],
            ["folders.uuid"],
            name="fk_dicom_projects_root_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "root_folder_uuid", "key", name="uq_dicom_projects_root_folder_uuid_key"
        ),
    )
