"""Numbers of data rows, by dataset and storage location of their items.

Revision ID: 0073
Revises: 0072
"""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_counters",
        sa.Column("dataset_uuid", sa.Uuid(), nullable=False),
        sa.Column("storage_location", sa.String(length=32), nullable=False),
        sa.Column("data_rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_uuid"],
            ["datasets.uuid"],
            name="fk_dataset_counters_dataset_uuid_datasets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_uuid", "storage_location", name="pk_dataset_counters"),
        sqlite_with_rowid=False,
    )
    op.execute(
        """INSERT INTO dataset_counters (dataset_uuid, storage_location, data_rows)
        SELECT dataset_uuid, storage_location, count(*)
        FROM data_rows JOIN items ON items.uuid = data_rows.item_uuid
        GROUP BY dataset_uuid, storage_location"""
    )
