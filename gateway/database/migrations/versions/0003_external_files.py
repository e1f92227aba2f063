"""An item may be made of a file that lies elsewhere, and stays there.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("uploads") as uploads:
        uploads.add_column(sa.Column("source_url", sa.Text()))
        uploads.alter_column("file_size", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    raise NotImplementedError("Files that lie elsewhere have no size until they are read.")
