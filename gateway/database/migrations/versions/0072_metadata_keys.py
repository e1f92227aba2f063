"""Keys of metadata entries in use, counted by folder and type.

Revision ID: 0072
Revises: 0071
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key, KeyString

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

_FILL = """INSERT INTO metadata_keys (key, value_type, folder_uuid, items)
    SELECT key, value_type, folder_uuid, count(*) FROM ({members}) AS members
    WHERE value_type IS NOT NULL AND length(key) <= 255 GROUP BY key, value_type, folder_uuid"""
_SQLITE = """SELECT folder_uuid, member.key, CASE
    WHEN member.type = 'text' THEN 'TEXT'
    WHEN member.type IN ('true', 'false') THEN 'BOOLEAN'
    WHEN typeof(member.atom) = 'integer' THEN 'LONG'
    WHEN member.type = 'real' AND abs(member.atom) >= 1e16
        AND member.atom >= -9223372036854775808.0 AND member.atom < 9223372036854775808.0 THEN 'LONG'
    WHEN member.type IN ('integer', 'real') THEN 'DOUBLE' END AS value_type
    FROM items, json_each(items.client_metadata) AS member
    WHERE NOT is_tombstone AND NOT is_placeholder"""
_POSTGRESQL = """SELECT folder_uuid, member.key, CASE jsonb_typeof(member.value)
    WHEN 'string' THEN 'TEXT' WHEN 'boolean' THEN 'BOOLEAN' WHEN 'number' THEN CASE
        WHEN member.value::text LIKE '%.%' THEN 'DOUBLE'
        WHEN member.value::text::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN 'LONG'
        ELSE 'DOUBLE' END END AS value_type
    FROM items, jsonb_each(items.client_metadata) AS member
    WHERE NOT is_tombstone AND NOT is_placeholder"""


def upgrade() -> None:
    op.create_table(
        "metadata_keys",
        sa.Column("key", Key, nullable=False),
        sa.Column("value_type", KeyString, nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folder_counters.folder_uuid"],
            name="fk_metadata_keys_folder_uuid_folder_counters",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", "value_type", "folder_uuid", name="pk_metadata_keys"),
    )
    op.create_index("ix_metadata_keys_folder_uuid", "metadata_keys", ["folder_uuid"])
    members = _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL
    op.execute(_FILL.format(members=members))
