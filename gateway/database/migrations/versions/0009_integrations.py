"""Items may lie in stores of customers, which integrations describe.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Json, Key

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REFERRING = ("items", "folders", "uploads", "upload_jobs")


def upgrade() -> None:
    op.create_table(
        "cloud_integrations",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", Key, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("endpoint", sa.String()),
        sa.Column("region", sa.String()),
        sa.Column("account", sa.String()),
        sa.Column("locations", Json, nullable=False),
        sa.Column("secret", sa.String()),
        sa.Column("uses_server_credentials", sa.Boolean(), nullable=False),
        sa.Column("verified_at", Moment()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_cloud_integrations"),
    )
    op.create_index("ix_cloud_integrations_title_key", "cloud_integrations", ["title_key"])
    _create_grants()
    kind = sa.Uuid().compile(dialect=op.get_bind().dialect)
    for table in REFERRING:
        # As SQL that both databases understand: SQLite has no other way to add a reference to a
        # table with triggers.
        name = f"fk_{table}_integration_uuid_cloud_integrations"
        reference = f"CONSTRAINT {name} REFERENCES cloud_integrations (uuid)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN integration_uuid {kind} {reference}")
        op.create_index(f"ix_{table}_integration_uuid", table, ["integration_uuid"])


def _create_grants() -> None:
    op.create_table(
        "integration_grants",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("integration_uuid", sa.Uuid(), nullable=False),
        sa.Column("group_uuid", sa.Uuid()),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "(group_uuid IS NULL) <> (user_uuid IS NULL)",
            name=op.f("ck_integration_grants_one_holder"),
        ),
        sa.ForeignKeyConstraint(
            ["integration_uuid"],
            ["cloud_integrations.uuid"],
            name="fk_integration_grants_integration_uuid_cloud_integrations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_uuid"],
            ["groups.uuid"],
            name="fk_integration_grants_group_uuid_groups",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name="fk_integration_grants_user_uuid_users",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_integration_grants"),
        sa.UniqueConstraint(
            "integration_uuid",
            "group_uuid",
            name="uq_integration_grants_integration_uuid_group_uuid",
        ),
        sa.UniqueConstraint(
            "integration_uuid", "user_uuid", name="uq_integration_grants_integration_uuid_user_uuid"
        ),
    )
    for column in ("group_uuid", "user_uuid"):
        op.create_index(f"ix_integration_grants_{column}", "integration_grants", [column])


def downgrade() -> None:
    raise NotImplementedError(
        "Items that lie in stores of customers could not be reached any more."
    )
