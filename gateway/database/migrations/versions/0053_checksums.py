"""CRC-32 of stored objects.

Revision ID: 0053
Revises: 0052
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stored_objects", sa.Column("crc32", sa.BigInteger()))
    lacking = sa.text("crc32 IS NULL AND NOT is_leaving")
    op.create_index(
        "ix_stored_objects_without_crc32",
        "stored_objects",
        ["key"],
        sqlite_where=lacking,
        postgresql_where=lacking,
    )
