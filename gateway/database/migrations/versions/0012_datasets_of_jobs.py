"""Jobs fill datasets, and datasets are found by what their descriptions say.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key, fold

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As SQL: for a constraint that is not part of the column, SQLite would rewrite the table.
    kind = sa.Uuid().compile(dialect=op.get_bind().dialect)
    name = "fk_upload_jobs_dataset_uuid_datasets"
    reference = f"CONSTRAINT {name} REFERENCES datasets (uuid)"
    op.execute(f"ALTER TABLE upload_jobs ADD COLUMN dataset_uuid {kind} {reference}")
    op.create_index("ix_upload_jobs_dataset_uuid", "upload_jobs", ["dataset_uuid"])
    op.add_column("datasets", sa.Column("description_key", Key, nullable=False, server_default=""))
    _fold_descriptions()


def downgrade() -> None:
    raise NotImplementedError("Which datasets jobs fill would be lost.")


def _fold_descriptions() -> None:
    uuid = sa.column("uuid", sa.Uuid())
    datasets = sa.table("datasets", uuid, sa.column("description"), sa.column("description_key"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(datasets).where(datasets.c.description != "")).all():
        mine = sa.update(datasets).where(datasets.c.uuid == row.uuid)
        connection.execute(mine.values(description_key=fold(row.description)))
