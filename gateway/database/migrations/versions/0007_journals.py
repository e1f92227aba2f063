"""Changes are found by the folders that they are about.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PLACES = """
INSERT INTO change_places (folder_uuid, change_uuid)
SELECT folder_uuid, uuid FROM changes WHERE folder_uuid IS NOT NULL AND object_type NOT IN ('Dataset', 'DataRow')
UNION
SELECT object_uuid, uuid FROM changes WHERE object_type = 'StorageFolder' AND action <> 'DELETE'
"""
_OWN = "UPDATE changes SET folder_uuid = NULL WHERE object_type = 'StorageFolder' AND folder_uuid = object_uuid"


def upgrade() -> None:
    op.create_table(
        "change_places",
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("change_uuid", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("folder_uuid", "change_uuid", name="pk_change_places"),
        sqlite_with_rowid=False,
    )
    op.add_column("changes", sa.Column("from_folder_uuid", sa.Uuid()))
    op.execute(_PLACES)
    op.execute(_OWN)
    op.drop_index("ix_changes_folder_uuid", "changes")


def downgrade() -> None:
    raise NotImplementedError("The places of changes would be lost.")
