"""Items that outlive their folder, because they are shared into another.

Revision ID: 0064
Revises: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "leaving_folders",
        sa.Column("takes_shared", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "kept_items",
        *(sa.Column(f"{name}_uuid", sa.Uuid(), nullable=False) for name in _REFERRED),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_uuid"],
                [f"{table}.uuid"],
                name=f"fk_kept_items_{name}_uuid_{table}",
                ondelete="CASCADE",
            )
            for name, table in _REFERRED.items()
        ),
        sa.PrimaryKeyConstraint("job_uuid", "item_uuid", name="pk_kept_items"),
        sqlite_with_rowid=False,
    )
    for name in ("item", "folder"):
        op.create_index(f"ix_kept_items_{name}_uuid", "kept_items", [f"{name}_uuid"])


_REFERRED = {"job": "jobs", "item": "items", "folder": "folders"}
