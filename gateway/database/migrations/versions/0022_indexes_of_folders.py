"""The indexes of folders say which items are tombstones and placeholders.

Revision ID: 0022
Revises: 0021
"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("name_key", "created_at", "last_edited_at", "file_size"):
        name = f"ix_items_folder_uuid_{column}"
        op.drop_index(name, "items")
        columns = ["folder_uuid", column, "uuid", "is_tombstone", "is_placeholder"]
        op.create_index(name, "items", columns)
