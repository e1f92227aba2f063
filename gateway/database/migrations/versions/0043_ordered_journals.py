"""Journals in the order of commits.

Revision ID: 0043
Revises: 0042
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_change_places_folder_uuid_sequence",
        "change_places",
        ["folder_uuid", "sequence"],
        unique=False,
    )
