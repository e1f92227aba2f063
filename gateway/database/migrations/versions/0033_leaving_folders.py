"""Deleted folders disappear at once, and a job removes their rows.

Revision ID: 0032
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


_USED_BY_DATASETS = """
INSERT INTO dataset_folders (folder_uuid, dataset_uuid)
SELECT DISTINCT items.folder_uuid, data_rows.dataset_uuid
FROM data_rows
JOIN items ON items.uuid = data_rows.item_uuid
JOIN datasets ON datasets.uuid = data_rows.dataset_uuid
WHERE datasets.backing_folder_uuid IS NULL
"""
_USED_BY_GROUPS = """
INSERT INTO group_folders (folder_uuid, group_folder_uuid)
SELECT DISTINCT items.folder_uuid, groups_of.folder_uuid
FROM group_members
JOIN items ON items.uuid = group_members.item_uuid
JOIN items AS groups_of ON groups_of.uuid = group_members.group_uuid
WHERE groups_of.folder_uuid <> items.folder_uuid
"""


def upgrade() -> None:
    op.create_table(
        "leaving_folders",
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name="fk_leaving_folders_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("folder_uuid", name="pk_leaving_folders"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_leaving_folders_job_uuid", "leaving_folders", ["job_uuid"])
    for table, column, referred in (
        ("dataset_folders", "dataset_uuid", "datasets"),
        ("group_folders", "group_folder_uuid", "folders"),
    ):
        op.create_table(
            table,
            sa.Column("folder_uuid", sa.Uuid(), nullable=False),
            sa.Column(column, sa.Uuid(), nullable=False),
            sa.ForeignKeyConstraint(
                ["folder_uuid"],
                ["folders.uuid"],
                name=f"fk_{table}_folder_uuid_folders",
                ondelete="CASCADE",
            ),
            sa.ForeignKeyConstraint(
                [column],
                [f"{referred}.uuid"],
                name=f"fk_{table}_{column}_{referred}",
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("folder_uuid", column, name=f"pk_{table}"),
            sqlite_with_rowid=False,
        )
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.execute(_USED_BY_DATASETS)
    op.execute(_USED_BY_GROUPS)
