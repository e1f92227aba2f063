"""Items are found by the first half of their media type.

Revision ID: 0029
Revises: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    half = (
        "substr(mime_type, 1, instr(mime_type, '/') - 1)"
        if is_sqlite
        else "split_part(mime_type, '/', 1)"
    )
    op.execute(f"CREATE INDEX ix_items_first_half ON items (({half}), name_key, uuid)")
