"""Sharing: items in folders that are not their own.

There they are listed among the others and can be read, nothing more. Counters and the journal
change in the same transaction.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.shares import add_shares, remove_shares, shares_of
from gateway.database.engine import Transaction
from gateway.models.items import ItemRecord
from gateway.models.shares import item_shares

MAX_SHARES = 100
"""Folders besides its own that an item can be in."""


async def items_shared_too_often(
    transaction: Transaction, rows: Collection[ItemRecord], folder_uuid: UUID
) -> set[UUID]:
    """Return those of the locked items that are not in a folder and can be in no further."""
    others = await shares_of(transaction, rows, item_shares.c.folder_uuid != folder_uuid)
    counts = Counter(share.item_uuid for share in others)
    there = await shares_of(transaction, rows, item_shares.c.folder_uuid == folder_uuid)
    known = {share.item_uuid for share in there}
    full = {uuid for uuid, count in counts.items() if count >= MAX_SHARES}
    return full - known - {row.uuid for row in rows if row.folder_uuid == folder_uuid}


async def share_items(
    transaction: Transaction, user_uuid: UUID, rows: Sequence[ItemRecord], folder_uuid: UUID
) -> None:
    """Share locked items into a folder; those that are in it already stay as they are.

    The caller has locked the tree.
    """
    there = await shares_of(transaction, rows, item_shares.c.folder_uuid == folder_uuid)
    known = {share.item_uuid for share in there}
    new = [row for row in rows if row.folder_uuid != folder_uuid and row.uuid not in known]
    if not new:
        return
    await apply_deltas(transaction, await add_shares(transaction, user_uuid, new, folder_uuid))
    shared = [
        JournalEntry(
            "SHARE", "StorageItem", row.uuid, folder_uuid, from_folder_uuid=row.folder_uuid
        )
        for row in new
    ]
    await journal.append(transaction, user_uuid, shared)


async def unshare_items(
    transaction: Transaction, user_uuid: UUID, rows: Sequence[ItemRecord], folder_uuid: UUID | None
) -> None:
    """Take locked items out of a folder that is not their own, or out of all such folders."""
    of_folder = [] if folder_uuid is None else [item_shares.c.folder_uuid == folder_uuid]
    shares = await shares_of(transaction, rows, *of_folder)
    await apply_deltas(transaction, await remove_shares(transaction, shares))
    homes = {row.uuid: row.folder_uuid for row in rows}
    taken = [
        JournalEntry(
            "UNSHARE",
            "StorageItem",
            share.item_uuid,
            share.folder_uuid,
            from_folder_uuid=homes[share.item_uuid],
        )
        for share in shares
    ]
    await journal.append(transaction, user_uuid, taken)


async def move_shares(
    transaction: Transaction,
    user_uuid: UUID,
    rows: Sequence[ItemRecord],
    from_folder_uuid: UUID | None,
    folder_uuid: UUID,
) -> None:
    """Move locked items that are shared into one folder to another; their homes stay.

    Those that are in the other already are only taken out of the first. The caller has locked the
    tree.
    """
    if not rows or from_folder_uuid in (None, folder_uuid):
        return
    moved = await shares_of(transaction, rows, item_shares.c.folder_uuid == from_folder_uuid)
    there = await shares_of(transaction, rows, item_shares.c.folder_uuid == folder_uuid)
    known = {share.item_uuid for share in there}
    new = [row for row in rows if row.folder_uuid != folder_uuid and row.uuid not in known]
    added = await add_shares(transaction, user_uuid, new, folder_uuid) if new else {}
    await apply_deltas(transaction, added, await remove_shares(transaction, moved))
    entries = [
        JournalEntry(action, "StorageItem", row.uuid, folder, from_folder_uuid=row.folder_uuid)
        for action, folder, chosen in (
            ("UNSHARE", from_folder_uuid, rows),
            ("SHARE", folder_uuid, new),
        )
        for row in chosen
    ]
    await journal.append(transaction, user_uuid, entries)
