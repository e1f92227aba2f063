"""Former places of folders: who saw them before they were moved.

Entries of the journal of a folder from before a move are for those who saw the folder then. Whoever
has a grant above its new place only does not see them.
"""

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.models.changes import FORMER_PENDING, former_places
from gateway.models.folders import folders


async def note_places(transaction: Transaction, path: str) -> None:
    """Keep the places of a folder that is about to move, by its path, and of all below it.

    Of several moves in one transaction, the place before the first one counts. The caller has
    locked the tree exclusively.
    """
    noted = sa.exists().where(
        former_places.c.folder_uuid == folders.c.uuid, former_places.c.sequence == FORMER_PENDING
    )
    pending = sa.literal(FORMER_PENDING, former_places.c.sequence.type)
    places = sa.select(folders.c.uuid, pending, folders.c.path, folders.c.is_public).where(
        within(folders.c.path, path), ~noted
    )
    columns = ["folder_uuid", "sequence", "path", "is_public"]
    await transaction.execute(sa.insert(former_places).from_select(columns, places))
    transaction.moves_folders = True


async def number_places(transaction: Transaction, sequence: int) -> None:
    """Give the places that a transaction has kept the number of its first change."""
    pending = former_places.c.sequence == FORMER_PENDING
    numbered = sa.update(former_places).where(pending).values(sequence=sequence)
    await transaction.execute(numbered)
