"""Who sees what identifies patients: policies of folders, and what grants and API keys allow.

Nothing is masked at first, so that everyone goes on to see what they saw. Whoever creates a root
folder sees identities there and may mask it; users who are ADMIN of existing root folders are those
who created them, and get the same. Groups that are ADMIN do not: once a folder is masked, its
creator or a site admin decides which of them see identities.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    def flag(name: str, default: sa.False_ | sa.True_) -> sa.Column[bool]:
        return sa.Column(name, sa.Boolean(), nullable=False, server_default=default)

    op.add_column("folders", sa.Column("phi_policy", sa.String(32)))
    op.add_column("folders", flag("is_masked", sa.false()))
    op.create_index(
        "ix_folders_is_masked",
        "folders",
        ["path"],
        sqlite_where=sa.text("is_masked = 1"),
        postgresql_where=sa.text("is_masked"),
    )
    op.add_column("folder_grants", flag("sees_phi", sa.false()))
    op.add_column("api_keys", flag("sees_phi", sa.true()))
    op.add_column("jobs", flag("sees_phi", sa.true()))
    op.execute(
        "UPDATE folder_grants SET sees_phi = true WHERE role = 'ADMIN' AND user_uuid IS NOT NULL "
        "AND folder_uuid IN (SELECT uuid FROM folders WHERE parent_uuid IS NULL)"
    )
