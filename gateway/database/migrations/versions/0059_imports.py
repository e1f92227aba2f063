"""Imports of trees: the files that each has announced.

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("import_uuid", sa.Uuid(), nullable=True))
    op.add_column("uploads", sa.Column("import_position", sa.Integer(), nullable=True))
    op.add_column("uploads", sa.Column("import_group", AutoString(), nullable=True))
    op.create_index("ix_uploads_import_uuid", "uploads", ["import_uuid"])
