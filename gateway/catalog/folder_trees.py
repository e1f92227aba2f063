"""Trees of new folders, inserted many at a time."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.engine import Transaction
from gateway.database.row_sets import insert_many
from gateway.kinds.enums import FolderVisibility
from gateway.models.base import new_row
from gateway.models.folders import FolderCountersRecord, FolderRecord, folder_counters, folders


async def insert_folders(
    transaction: Transaction, user_uuid: UUID | None, rows: Sequence[FolderRecord]
) -> None:
    """Insert folders below others, outer ones first, and update counters and the journal.

    The rows are new ones of `folder_row`. The caller has locked the tree.
    """
    if not rows:
        return
    await insert_many(transaction, folders, list(map(vars, rows)))
    added = Counter(row.parent_uuid for row in rows)
    counters = [
        new_row(FolderCountersRecord, folder_uuid=row.uuid, folders=added.pop(row.uuid, 0))
        for row in rows
    ]
    await insert_many(transaction, folder_counters, counters)
    deltas = {uuid: Counter(folders=number) for uuid, number in added.items() if uuid}
    await apply_deltas(transaction, deltas)
    await journal.append(transaction, user_uuid, [creation_of(row) for row in rows])


def creation_of(row: FolderRecord) -> JournalEntry:
    """Return the entry of the journal that says that a folder was created."""
    own = {"name": row.name, "phi_policy": row.phi_policy, "visibility": row.visibility}
    return JournalEntry(
        "CREATE",
        "StorageFolder",
        row.uuid,
        row.parent_uuid,
        after={key: value for key, value in own.items() if value},
        is_private=row.visibility is FolderVisibility.PRIVATE,
    )
