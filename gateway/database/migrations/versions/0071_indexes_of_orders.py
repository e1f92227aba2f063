"""Indexes of all orders of items, folders and data rows, with the rows that lack a value.

Revision ID: 0068
Revises: 0067
"""

from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("file_size", "duration", "width", "height"):
        op.drop_index(f"ix_items_{name}", "items")
        op.create_index(f"ix_items_{name}", "items", [name, "uuid"])
        op.create_index(f"ix_items_item_type_{name}", "items", ["item_type", name, "uuid"])
    op.create_index("ix_items_natural_key", "items", ["natural_key", "uuid"])
    for name in ("duration", "width", "height"):
        columns = ["folder_uuid", name, "uuid", "is_tombstone", "is_placeholder"]
        op.create_index(f"ix_items_folder_uuid_{name}", "items", columns)
    for name in ("created_at", "last_edited_at"):
        op.create_index(f"ix_folders_{name}", "folders", [name, "uuid"])
    columns = ["parent_uuid", "last_edited_at", "uuid"]
    op.create_index("ix_folders_parent_uuid_last_edited_at", "folders", columns)
    op.drop_index("ix_data_rows_dataset_uuid", "data_rows")
    op.create_index(
        "ix_data_rows_dataset_uuid", "data_rows", ["dataset_uuid", "created_at", "uuid"]
    )
