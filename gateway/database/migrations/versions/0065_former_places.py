"""Former places of folders that were moved, for the entries of their journals from before.

Revision ID: 0065
Revises: 0064
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_places",
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("path", Key, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name="fk_former_places_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("folder_uuid", "sequence", name="pk_former_places"),
    )
    op.create_index("ix_former_places_sequence", "former_places", ["sequence"])
