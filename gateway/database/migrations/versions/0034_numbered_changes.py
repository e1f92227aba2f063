"""Changes are numbered in the order of their commits.

Existing ones are numbered in the order in which they were made.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_NUMBERED = """
CREATE TEMPORARY TABLE numbered AS
SELECT change_uuid, row_number() OVER (ORDER BY change_uuid) AS number
FROM (SELECT DISTINCT change_uuid FROM change_places) AS listed
"""
_NUMBER_PLACES = """
UPDATE change_places
SET sequence = (SELECT number FROM numbered WHERE numbered.change_uuid = change_places.change_uuid)
"""
_START = """
UPDATE sequences SET value = (SELECT count(*) FROM numbered) WHERE name = 'changes'
"""


def upgrade() -> None:
    op.add_column(
        "change_places", sa.Column("sequence", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute(_NUMBERED)
    op.execute("CREATE UNIQUE INDEX numbered_change ON numbered (change_uuid)")
    op.execute(_NUMBER_PLACES)
    op.execute(_START)
    op.execute("DROP TABLE numbered")
    op.create_index(
        "ix_change_places_sequence", "change_places", ["sequence", "folder_uuid"], unique=False
    )
