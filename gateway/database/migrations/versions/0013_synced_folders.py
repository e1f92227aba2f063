"""Folders may mirror buckets, or prefixes of them.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Json, Key

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COUNTS = (
    *(f"scan_pages_processing_{state}" for state in ("pending", "done", "error", "cancelled")),
    *(f"upload_jobs_{state}" for state in ("pending", "done", "error")),
    *(f"upload_jobs_units_{state}" for state in ("pending", "done", "error", "cancelled")),
    *(
        f"{what}_count"
        for what in ("new", "changed", "unchanged", "vanished", "returned", "skipped")
    ),
    *(f"sidecars_{what}_count" for what in ("attached", "error")),
)


def upgrade() -> None:
    _create_jobs()
    kind = sa.Uuid().compile(dialect=op.get_bind().dialect)
    for table, column, other in (
        ("items", "linked_folder_uuid", "folders"),
        ("upload_jobs", "cloud_sync_job_uuid", "cloud_sync_jobs"),
    ):
        # As SQL that both databases understand: SQLite has no other way to add a reference to a
        # table with triggers.
        reference = f"CONSTRAINT fk_{table}_{column}_{other} REFERENCES {other} (uuid)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} {reference}")
    op.create_index("ix_upload_jobs_cloud_sync_job_uuid", "upload_jobs", ["cloud_sync_job_uuid"])
    op.add_column("items", sa.Column("remote_key", Key))
    op.add_column("items", sa.Column("remote_etag", sa.String()))
    op.add_column("items", sa.Column("remote_modified_at", Moment()))
    op.add_column("items", sa.Column("sidecar_etag", sa.String()))
    linked = sa.text("linked_folder_uuid IS NOT NULL")
    op.create_index(
        "uq_items_linked_folder_uuid_remote_key",
        "items",
        ["linked_folder_uuid", "remote_key"],
        unique=True,
        sqlite_where=linked,
        postgresql_where=linked,
    )
    op.add_column("folders", sa.Column("remote_url", sa.Text()))
    op.add_column("folders", sa.Column("metadata_ingestion", Json))
    op.add_column(
        "folders", sa.Column("auto_sync", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_folders_remote_url", "folders", ["remote_url"], postgresql_using="hash")


def _create_jobs() -> None:
    op.create_table(
        "cloud_sync_jobs",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("ends_as", sa.String(32), nullable=False),
        sa.Column("is_dry_run", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.Column("reach", Key, nullable=False),
        sa.Column("error", sa.String()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("skipped_keys", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name="fk_cloud_sync_jobs_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name="fk_cloud_sync_jobs_user_uuid_users",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_cloud_sync_jobs"),
    )
    op.create_index("ix_cloud_sync_jobs_user_uuid", "cloud_sync_jobs", ["user_uuid"])
    op.create_index(
        "ix_cloud_sync_jobs_folder_uuid_created_at",
        "cloud_sync_jobs",
        ["folder_uuid", "created_at", "uuid"],
    )
    running = sa.text("status = 'PENDING'")
    op.create_index(
        "uq_cloud_sync_jobs_folder_uuid",
        "cloud_sync_jobs",
        ["folder_uuid"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )


def downgrade() -> None:
    raise NotImplementedError("Folders that mirror buckets would lose them.")
