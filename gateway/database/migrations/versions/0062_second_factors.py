"""Second factors of users, and sessions.

Revision ID: 0062
Revises: 0061
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from gateway.models.base import Json

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("requires_one_time_password", "is_session"):
        flag: sa.Column[bool] = sa.Column(
            name, sa.Boolean(), nullable=False, server_default=sa.false()
        )
        op.add_column("api_keys", flag)
    op.add_column("api_keys", sa.Column("parent_uuid", sa.Uuid(), nullable=True))
    op.create_index("ix_api_keys_parent_uuid", "api_keys", ["parent_uuid"])
    op.create_table(
        "second_factors",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("secret", AutoString(), nullable=False),
        sa.Column("recovery", Json, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name="fk_second_factors_user_uuid_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_second_factors"),
        sa.UniqueConstraint("user_uuid", name="uq_second_factors_user_uuid"),
    )
