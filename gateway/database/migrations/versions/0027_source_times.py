"""Items know when their files were last modified.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("source_modified_at", Moment()))
    op.execute(
        "UPDATE items SET source_modified_at = remote_modified_at "
        "WHERE remote_modified_at IS NOT NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("What clients said of their files would be lost.")
