"""Jobs of all kinds are in one table, and their changes are numbered across all of them.

Revision ID: 0031
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from gateway.models.base import Json, Key

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

FORMER = ("cloud_sync_jobs", "upload_jobs", "reencode_jobs")
UNITS = ("pending", "done", "error", "cancelled")
SYNC_COUNTS = (
    *(f"scan_pages_processing_{state}" for state in UNITS),
    *(f"upload_jobs_{state}" for state in UNITS[:3]),
    *(
        f"{what}_count"
        for what in ("new", "changed", "unchanged", "vanished", "returned", "skipped")
    ),
    *(f"sidecars_{what}_count" for what in ("attached", "error")),
)
SWITCHES = ("is_forced", "ignore_errors", "skip_duplicate_urls", "upsert_metadata", "is_dry_run")
KEPT = (
    *("uuid", "user_uuid", "created_at", "last_edited_at", "finished_at"),
    "sequence",
)
OF_KIND = {
    "cloud_sync_jobs": (
        *("folder_uuid", "status", "ends_as", "is_dry_run", "cursor", "reach", "listed_count"),
        *("error", "skipped_keys", "sidecar_error_keys", *SYNC_COUNTS),
    ),
    "upload_jobs": (
        *("folder_uuid", "status", "file_name", "ignore_errors", "skip_duplicate_urls"),
        *("upsert_metadata", "integration_uuid", "dataset_uuid", "cloud_sync_job_uuid"),
        *(f"units_{state}_count" for state in UNITS),
    ),
    "reencode_jobs": (
        *("title", "is_forced", "progress"),
        *("units_pending_count", "units_error_count"),
    ),
}
"""Columns that the rows of each former table have, beside those in `KEPT`."""


def upgrade() -> None:
    _create_table()
    for table in FORMER:
        _copy(table)
    _renumber()
    for table, former in (
        ("upload_units", "upload_jobs"),
        ("manifests", "upload_jobs"),
        ("skipped_objects", "cloud_sync_jobs"),
        ("reencode_units", "reencode_jobs"),
    ):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"fk_{table}_job_uuid_{former}", type_="foreignkey")
            batch.create_foreign_key(
                f"fk_{table}_job_uuid_jobs", "jobs", ["job_uuid"], ["uuid"], ondelete="CASCADE"
            )
    for table in ("upload_jobs", "cloud_sync_jobs", "reencode_jobs"):
        op.drop_table(table)
    op.add_column("reencode_units", sa.Column("file_size", sa.BigInteger()))
    op.execute(
        "UPDATE reencode_units SET file_size = "
        "(SELECT file_size FROM items WHERE items.uuid = reencode_units.item_uuid)"
    )
    _create_indexes()


def _create_table() -> None:
    def counts(*names: str) -> list[sa.Column[int]]:
        return [sa.Column(name, sa.Integer(), nullable=False) for name in names]

    def reference(column: str, table: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
        name = f"fk_jobs_{column}_{table}"
        return sa.ForeignKeyConstraint([column], [f"{table}.uuid"], name=name, ondelete=ondelete)

    op.create_table(
        "jobs",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("folder_uuid", sa.Uuid()),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32)),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("started_at", UTCDateTime()),
        sa.Column("last_edited_at", UTCDateTime(), nullable=False),
        sa.Column("finished_at", UTCDateTime()),
        *counts("attempt", *(f"units_{state}_count" for state in UNITS)),
        sa.Column("bytes_done", sa.BigInteger(), nullable=False),
        sa.Column("bytes_total", sa.BigInteger()),
        sa.Column("rate_marks", Json),
        sa.Column("error", AutoString()),
        sa.Column("title", AutoString()),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("file_name", AutoString()),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in SWITCHES),
        sa.Column("integration_uuid", sa.Uuid()),
        sa.Column("dataset_uuid", sa.Uuid()),
        sa.Column("cloud_sync_job_uuid", sa.Uuid()),
        sa.Column("ends_as", sa.String(32)),
        sa.Column("cursor", sa.Text()),
        sa.Column("reach", Key, nullable=False),
        sa.Column("listed_count", sa.BigInteger(), nullable=False),
        *counts(*SYNC_COUNTS),
        sa.Column("skipped_keys", Json),
        sa.Column("sidecar_error_keys", Json),
        reference("folder_uuid", "folders", "CASCADE"),
        reference("user_uuid", "users", "SET NULL"),
        reference("integration_uuid", "cloud_integrations"),
        reference("dataset_uuid", "datasets"),
        reference("cloud_sync_job_uuid", "jobs"),
        sa.PrimaryKeyConstraint("uuid", name="pk_jobs"),
    )


def _copy(table: str) -> None:
    """Copy the rows of a former table; a job has started if it has ended or a part of it has."""
    false, kind = "false", table.removesuffix("_jobs").upper()
    values = {
        "kind": f"'{kind}'",
        "attempt": "0",
        "bytes_done": "0",
        "progress": "0",
        "reach": "''",
        "listed_count": "0",
        **dict.fromkeys(SWITCHES, false),
        **dict.fromkeys((f"units_{state}_count" for state in UNITS), "0"),
        **dict.fromkeys(SYNC_COUNTS, "0"),
        **{name: name for name in (*KEPT, *OF_KIND[table])},
    }
    errors, begun = "units_error_count", "status <> 'PENDING'"
    if table == "cloud_sync_jobs":
        values |= {f"units_{state}_count": f"upload_jobs_units_{state}" for state in UNITS}
        errors = "upload_jobs_units_error"
        begun += " OR scan_pages_processing_done > 0"
    elif table == "upload_jobs":
        begun += " OR units_done_count + units_error_count > 0"
        values["error"] = (
            "(SELECT error FROM upload_units WHERE job_uuid = upload_jobs.uuid "
            "AND error IS NOT NULL AND status = 'ERROR' ORDER BY position DESC LIMIT 1)"
        )
    else:
        begun = "status <> 'SUBMITTED' OR progress > 0"
        values |= {
            "status": "CASE status WHEN 'SUBMITTED' THEN 'PENDING' ELSE status END",
            "units_done_count": _count_of_units("('REENCODED', 'LEFT_ALONE')"),
            "units_cancelled_count": _count_of_units("('CANCELLED')"),
            "error": "(SELECT error FROM reencode_units WHERE job_uuid = reencode_jobs.uuid "
            "AND error IS NOT NULL ORDER BY position DESC LIMIT 1)",
        }
    values["started_at"] = f"CASE WHEN {begun} THEN created_at END"
    values["attempt"] = f"CASE WHEN {begun} THEN 1 ELSE 0 END"
    failed = "'FAILED'"
    if table == "reencode_jobs":
        failed = f"CASE WHEN {values['units_done_count']} > 0 THEN 'SUCCEEDED_WITH_ERRORS' ELSE 'FAILED' END"
    values["outcome"] = (
        f"CASE status WHEN 'DONE' THEN CASE WHEN {errors} > 0 THEN 'SUCCEEDED_WITH_ERRORS' "
        f"ELSE 'SUCCEEDED' END WHEN 'ERROR' THEN {failed} WHEN 'CANCELLED' THEN 'CANCELLED' END"
    )
    columns, expressions = ", ".join(values), ", ".join(values.values())
    op.execute(f"INSERT INTO jobs ({columns}) SELECT {expressions} FROM {table}")


def _count_of_units(states: str) -> str:
    return (
        "(SELECT count(*) FROM reencode_units "
        f"WHERE job_uuid = reencode_jobs.uuid AND reencode_units.status IN {states})"
    )


def _renumber() -> None:
    """Number the jobs in the order of their last changes, above all former numbers.

    The numbers of units, which refer to those of their jobs, thus stay below.
    """
    base = op.get_bind().scalar(sa.text("SELECT coalesce(max(sequence), 0) FROM jobs"))
    op.execute(
        f"UPDATE jobs SET sequence = {base} + ranked.place "
        "FROM (SELECT uuid, row_number() OVER (ORDER BY last_edited_at, uuid) AS place FROM jobs) "
        "AS ranked WHERE ranked.uuid = jobs.uuid"
    )
    op.execute(
        "UPDATE sequences SET value = (SELECT coalesce(max(sequence), 0) FROM jobs) "
        "WHERE name = 'jobs'"
    )


def _create_indexes() -> None:
    for columns in (
        ("folder_uuid", "kind", "created_at"),
        ("kind", "created_at"),
        ("user_uuid", "created_at"),
        ("created_at",),
        ("sequence",),
    ):
        op.create_index(f"ix_jobs_{'_'.join(columns)}", "jobs", [*columns, "uuid"])
    for column in ("integration_uuid", "dataset_uuid", "cloud_sync_job_uuid"):
        op.create_index(f"ix_jobs_{column}", "jobs", [column])
    for name, columns, condition in (
        ("running", ("created_at", "uuid"), "status = 'PENDING'"),
        ("waiting", ("kind", "uuid"), "status = 'PENDING' AND started_at IS NULL"),
        ("with_errors", ("created_at", "uuid"), "units_error_count > 0 OR status = 'ERROR'"),
    ):
        where = sa.text(condition)
        op.create_index(
            f"ix_jobs_{name}", "jobs", [*columns], sqlite_where=where, postgresql_where=where
        )
    running_sync = sa.text("status = 'PENDING' AND kind = 'CLOUD_SYNC'")
    op.create_index(
        "uq_jobs_running_sync",
        "jobs",
        ["folder_uuid"],
        unique=True,
        sqlite_where=running_sync,
        postgresql_where=running_sync,
    )
