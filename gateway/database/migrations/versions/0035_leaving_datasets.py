"""Large datasets disappear at once when they are deleted, and a job removes their data rows.

Revision ID: 0040
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leaving_datasets",
        sa.Column("dataset_uuid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_uuid"],
            ["datasets.uuid"],
            name="fk_leaving_datasets_dataset_uuid_datasets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_uuid", name="pk_leaving_datasets"),
        sqlite_with_rowid=False,
    )
