"""Jobs that copy folders with everything below them.

Revision ID: 0068
Revises: 0067
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("source_folder_uuid", sa.Uuid(), nullable=True))
    op.add_column(
        "jobs",
        sa.Column("allow_public", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "folder_copies",
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("parent_uuid", sa.Uuid(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=32), nullable=False),
        sa.Column("copy_uuid", sa.Uuid(), nullable=True),
        sa.Column("last_created_at", UTCDateTime(), nullable=True),
        sa.Column("last_item_uuid", sa.Uuid(), nullable=True),
        _of_job("folder_copies"),
        sa.PrimaryKeyConstraint("job_uuid", "folder_uuid", name="pk_folder_copies"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_folder_copies_step", "folder_copies", ["job_uuid", "step", "depth", "folder_uuid"]
    )
    op.create_table(
        "item_copies",
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("copy_uuid", sa.Uuid(), nullable=True),
        sa.Column("folder_uuid", sa.Uuid(), nullable=True),
        sa.Column("is_data_group", sa.Boolean(), nullable=False),
        _of_job("item_copies"),
        sa.PrimaryKeyConstraint("job_uuid", "item_uuid", name="pk_item_copies"),
        sqlite_with_rowid=False,
    )
    is_waiting = sa.text("copy_uuid IS NULL")
    op.create_index(
        "ix_item_copies_waiting",
        "item_copies",
        ["job_uuid", "is_data_group", "item_uuid"],
        sqlite_where=is_waiting,
        postgresql_where=is_waiting,
    )


def _of_job(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_job_uuid_jobs"
    return sa.ForeignKeyConstraint(["job_uuid"], ["jobs.uuid"], name=name, ondelete="CASCADE")
