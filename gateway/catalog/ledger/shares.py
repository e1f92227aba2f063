"""Shares of items: what is kept with each of their rows.

Items know whether they have any, folders whether they or those below may, and counters how many.
The columns by which items are ordered are kept by a trigger of the database.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.counters import Deltas
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import ancestors
from gateway.models.base import new_row
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, items
from gateway.models.shares import ItemShareRecord, item_shares

_OWN = {"item_uuid", "folder_uuid", "user_uuid", "shared_at"}
COPIED = [column.key for column in item_shares.c if column.key not in _OWN]
"""The columns of an item that its shares repeat."""


async def shares_of(
    transaction: Transaction, rows: Collection[ItemRecord], *conditions: sa.ColumnElement[bool]
) -> list[ItemShareRecord]:
    """Return the shares of locked items that meet conditions, by item, the earliest first."""
    shared = [row.uuid for row in rows if row.is_shared]
    if not shared:
        return []
    chosen = sa.select(item_shares).where(in_keys(item_shares.c.item_uuid, shared), *conditions)
    order = item_shares.c.item_uuid, item_shares.c.shared_at, item_shares.c.folder_uuid
    return await transaction.rows(chosen.order_by(*order), ItemShareRecord)


async def add_shares(
    transaction: Transaction, user_uuid: UUID | None, rows: Sequence[ItemRecord], folder_uuid: UUID
) -> Deltas:
    """Share locked items into a folder that they are not in, and return its deltas.

    The caller has locked the tree.
    """
    chosen = in_keys(items.c.uuid, [row.uuid for row in rows])
    await transaction.execute(
        sa.update(items).where(chosen, ~items.c.is_shared).values(is_shared=True)
    )
    shares = [
        new_row(
            ItemShareRecord,
            item_uuid=row.uuid,
            folder_uuid=folder_uuid,
            user_uuid=user_uuid,
            **{name: getattr(row, name) for name in COPIED},
        )
        for row in rows
    ]
    await transaction.execute(sa.insert(item_shares), shares)
    await mark_shares(transaction, folder_uuid)
    return {folder_uuid: Counter(shared_items=len(shares))}


async def remove_shares(transaction: Transaction, shares: Sequence[ItemShareRecord]) -> Deltas:
    """Remove shares of locked items, and return the deltas of their folders."""
    by_folder: dict[UUID, list[UUID]] = {}
    for share in shares:
        by_folder.setdefault(share.folder_uuid, []).append(share.item_uuid)
    for folder, uuids in sorted(by_folder.items()):
        gone = item_shares.c.folder_uuid == folder, in_keys(item_shares.c.item_uuid, uuids)
        await transaction.execute(sa.delete(item_shares).where(*gone))
    left = sa.exists().where(item_shares.c.item_uuid == items.c.uuid)
    chosen = in_keys(items.c.uuid, {share.item_uuid for share in shares})
    if shares:
        await transaction.execute(sa.update(items).where(chosen, ~left).values(is_shared=False))
    return {folder: Counter(shared_items=-len(uuids)) for folder, uuids in by_folder.items()}


async def mark_shares(transaction: Transaction, folder_uuid: UUID) -> None:
    """Note that items may be shared into a folder, and so below each folder above it.

    The caller has locked the tree. A mark stays when they are shared no longer: it says where to
    look.
    """
    path = sa.select(folders.c.path).where(folders.c.uuid == folder_uuid)
    above = ancestors((await transaction.single(path, FolderRecord)).path)
    unmarked = (
        sa.select(folders.c.uuid)
        .where(in_keys(folders.c.uuid, above), ~folders.c.has_shares)
        .order_by(folders.c.uuid)
        .with_for_update(key_share=True)
    )
    uuids = [row.uuid for row in await transaction.rows(unmarked, FolderRecord)]
    if uuids:
        chosen = in_keys(folders.c.uuid, uuids)
        await transaction.execute(sa.update(folders).where(chosen).values(has_shares=True))
