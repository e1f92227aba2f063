"""Items are found across folders by indexes, one for each condition of their filter.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import KeyString

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_PRESENT = {
    "file_size": ("uuid",),
    "duration": ("uuid",),
    "width": ("uuid",),
    "height": ("uuid",),
    "sha256": (),
    "dicom_study_uid": ("name_key", "uuid"),
    "dicom_series_uid": ("name_key", "uuid"),
    "dicom_instance_uid": ("name_key", "uuid"),
    "orientation": ("name_key", "uuid"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("items", "mime_type", type_=KeyString)
    for name in ("ix_items_name_key", "ix_items_owner_uuid"):
        op.drop_index(name, "items")
    op.create_index("ix_items_name_key", "items", ["name_key", "uuid"])
    op.create_index("ix_items_created_at", "items", ["created_at", "uuid"])
    op.create_index("ix_items_last_edited_at", "items", ["last_edited_at", "uuid"])
    op.create_index("ix_items_mime_type", "items", ["mime_type", "name_key", "uuid"])
    op.create_index("ix_items_owner_uuid", "items", ["owner_uuid", "name_key", "uuid"])
    for column, others in _PRESENT.items():
        present = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_items_{column}",
            "items",
            [column, *others],
            sqlite_where=present,
            postgresql_where=present,
        )
    for column in ("is_placeholder", "is_tombstone"):
        op.create_index(
            f"ix_items_{column}",
            "items",
            ["name_key", "uuid"],
            sqlite_where=sa.text(f"{column} IS 1"),
            postgresql_where=sa.text(f"{column} IS true"),
        )
