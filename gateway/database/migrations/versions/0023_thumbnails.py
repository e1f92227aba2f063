"""Thumbnails of files.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Key

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "thumbnails",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("source_key", Key),
        sa.Column("item_uuid", sa.Uuid()),
        sa.Column("item_type", sa.String(32), nullable=False),
        sa.Column("frame", sa.Integer(), nullable=False),
        sa.Column("object_key", Key, nullable=False),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("unavailable_reason", sa.String(32)),
        sa.Column("attempted_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_key"], ["stored_objects.key"], name="fk_thumbnails_source_key_stored_objects"
        ),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name="fk_thumbnails_item_uuid_items"
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_thumbnails"),
        sa.UniqueConstraint(
            "source_key", "item_type", "frame", name="uq_thumbnails_source_key_item_type_frame"
        ),
        sa.UniqueConstraint("item_uuid", "frame", name="uq_thumbnails_item_uuid_frame"),
    )
