"""Requests to join communities, and invitations.

Revision ID: 0058
Revises: 0057
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "join_requests",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("community_uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("is_invitation", sa.Boolean(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("invited_by_uuid", sa.Uuid()),
        sa.Column("created_at", Moment(), nullable=False),
        _key("community_uuid", "communities", "CASCADE"),
        _key("user_uuid", "users", "CASCADE"),
        _key("invited_by_uuid", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("uuid", name="pk_join_requests"),
        sa.UniqueConstraint(
            "community_uuid", "user_uuid", name="uq_join_requests_community_uuid_user_uuid"
        ),
    )
    for column in ("user_uuid", "invited_by_uuid"):
        op.create_index(f"ix_join_requests_{column}", "join_requests", [column])


def _key(column: str, other: str, on_delete: str) -> sa.ForeignKeyConstraint:
    name = f"fk_join_requests_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.uuid"], name=name, ondelete=on_delete)
