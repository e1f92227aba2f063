"""Stored bytes are shared by the uploads of one user.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PRESENT = sa.text("NOT is_leaving")


def upgrade() -> None:
    op.add_column("stored_objects", sa.Column("uploader_uuid", sa.Uuid()))
    op.drop_index(op.f("uq_stored_objects_sha256"), "stored_objects")
    op.create_index(
        op.f("uq_stored_objects_sha256_uploader_uuid"),
        "stored_objects",
        ["sha256", "uploader_uuid"],
        unique=True,
        sqlite_where=PRESENT,
        postgresql_where=PRESENT,
    )


def downgrade() -> None:
    raise NotImplementedError("The same bytes may be stored more than once by now.")
