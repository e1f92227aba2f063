"""Items can be ordered by name with numbers by value.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op

from gateway.models.base import Key, natural_key

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_BATCH = 10_000


def upgrade() -> None:
    op.add_column("items", sa.Column("natural_key", Key, nullable=False, server_default=""))
    items = sa.table("items", sa.column("uuid"), sa.column("name_key"), sa.column("natural_key"))
    connection = op.get_bind()
    mine = items.c.uuid == sa.bindparam("row_uuid")
    update = sa.update(items).where(mine).values(natural_key=sa.bindparam("key"))
    page = sa.select(items.c.uuid, items.c.name_key).order_by(items.c.uuid).limit(_BATCH)
    rows = connection.execute(page).all()
    while rows:
        keys = [{"row_uuid": row.uuid, "key": natural_key(row.name_key)} for row in rows]
        connection.execute(update, keys)
        rows = connection.execute(page.where(items.c.uuid > rows[-1].uuid)).all()
    columns = ["folder_uuid", "natural_key", "uuid", "is_tombstone", "is_placeholder"]
    op.create_index("ix_items_folder_uuid_natural_key", "items", columns)
