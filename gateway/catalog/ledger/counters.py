"""Counters of folders: updated in the transaction of each change, and checked against the rows.

A folder's counters cover what is directly in it. Counters are the last rows that a transaction
locks, in the order of the folders, so that transactions cannot wait for each other in a circle.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import is_staying
from gateway.catalog.ledger.metadata_keys import KeyUse, add_uses, uses_of, wrong_uses
from gateway.catalog.ledger.row_edits import count_rows
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.kinds.enums import JobKind
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.folders import FolderCountersRecord, FolderRecord, folder_counters, folders
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import jobs
from gateway.models.shares import item_shares

COUNTER_OF = {item_type: kind.counter for item_type, kind in ITEM_KINDS.items()}
Counted = str | KeyUse
"""A column of the counters, or a key of metadata."""
Deltas = Mapping[UUID, Counter[str]] | Mapping[UUID, Counter[Counted]]
"""What to add to the counters of folders, by folder and then by what they count."""
_SUMS = ("files", "total_size", "older_size")
NAMES = [column.key for column in folder_counters.c if column.key != "folder_uuid"]


class ItemTotals(NamedTuple):
    """All items of a folder that add to the same counters: their number, and sums of the rest."""

    item_type: StorageItemType
    is_tombstone: bool
    is_placeholder: bool
    url: str | None
    file_count: int | None
    file_size: int | None
    older_size: int
    total: int


def item_delta(row: ItemRecord, *, is_tombstone: bool) -> Counter[Counted]:
    """Return what an item adds to the counters of its folder if it is, or is not, a tombstone."""
    delta = Counter[Counted]()
    _add_item(delta, row, is_tombstone, 1)
    return delta


def add_metadata_change(
    delta: Counter[Counted], row: ItemRecord, metadata: Mapping[str, Any]
) -> None:
    """Add to a delta what new metadata of an item adds to the counters of its folder."""
    if not row.is_tombstone and not row.is_placeholder:
        for use in uses_of(metadata):
            delta[use] += 1
        for use in uses_of(row.client_metadata):
            delta[use] -= 1


def totals_delta(item: ItemRecord | ItemTotals, *, is_tombstone: bool) -> Counter[str]:
    """Return what an item, or many that are alike, add to the columns of the counters."""
    delta = Counter[str]()
    _add_totals(delta, item, is_tombstone, 1)
    return delta


def removal_deltas(rows: Iterable[ItemRecord]) -> dict[UUID, Counter[Counted]]:
    """Return the deltas for items that leave their folders."""
    deltas: dict[UUID, Counter[Counted]] = {}
    for row in rows:
        delta = deltas.get(row.folder_uuid)
        if delta is None:
            delta = deltas[row.folder_uuid] = Counter()
        _add_item(delta, row, row.is_tombstone, -1)
    return deltas


def arrival_deltas(rows: Iterable[ItemRecord], folder_uuid: UUID) -> dict[UUID, Counter[Counted]]:
    """Return the deltas for items that enter a folder."""
    total = Counter[Counted]()
    for row in rows:
        _add_item(total, row, row.is_tombstone, 1)
    return {folder_uuid: total}


def move_deltas(rows: Iterable[ItemRecord], folder_uuid: UUID) -> dict[UUID, Counter[Counted]]:
    """Return the deltas for items that leave their folders for another one."""
    deltas = removal_deltas(rows)
    arrived = Counter[Counted]()
    for left in deltas.values():
        arrived.subtract(left)
    return {**deltas, folder_uuid: arrived}


def _add_item(delta: Counter[Counted], row: ItemRecord, is_tombstone: bool, number: int) -> None:
    """Add to a delta what an item counts, so many times; Counters for each item take far longer."""
    _add_totals(delta, row, is_tombstone, number)
    if row.client_metadata and not is_tombstone and not row.is_placeholder:
        for use in uses_of(row.client_metadata):
            delta[use] += number


def _add_totals(
    delta: Counter[Counted] | Counter[str],
    item: ItemRecord | ItemTotals,
    is_tombstone: bool,
    number: int,
) -> None:
    if is_tombstone:
        delta["tombstones"] += number
        return
    if item.is_placeholder:
        delta["placeholders"] += number
        return
    delta[COUNTER_OF[item.item_type]] += number
    if item.url or item.file_count is not None:
        files = 1 if item.file_count is None else item.file_count
        sums = files, item.file_size or 0, item.older_size
        for name, value in zip(_SUMS, sums, strict=True):
            if value:
                delta[name] += number * value


async def lock_counters(transaction: Transaction, folder_uuids: Collection[UUID]) -> None:
    """Lock the counters of these folders, for a transaction that updates them more than once."""
    chosen = in_keys(folder_counters.c.folder_uuid, folder_uuids)
    rows = (
        sa.select(folder_counters.c.folder_uuid)
        .where(chosen)
        .order_by(folder_counters.c.folder_uuid)
    )
    await transaction.rows(rows.with_for_update(), FolderCountersRecord)


async def apply_deltas(transaction: Transaction, *deltas: Deltas) -> None:
    """Add deltas to the counters, in the order of the folders."""
    total: dict[UUID, Counter[Counted]] = {}
    for delta in deltas:
        for folder, added in delta.items():
            total.setdefault(folder, Counter()).update(added)
    changed = [folder for folder in sorted(total) if any(total[folder].values())]
    if not changed:
        return
    counted = {each for folder in changed for each, change in total[folder].items() if change}
    if names := sorted(each for each in counted if isinstance(each, str)):
        await _add_counts(transaction, {folder: total[folder] for folder in changed}, names)
    else:
        await lock_counters(transaction, changed)
    if uses := sorted(each for each in counted if isinstance(each, KeyUse)):
        changes = {
            (folder, use): change
            for folder in changed
            for use in uses
            if (change := total[folder][use])
        }
        await add_uses(transaction, changes)


async def _add_counts(
    transaction: Transaction, total: Mapping[UUID, Counter[Counted]], names: list[str]
) -> None:
    # The same columns for all, so that it is one statement.
    key = folder_counters.c.folder_uuid
    values = {
        name: folder_counters.c[name] + sa.bindparam(f"added_{name}", type_=sa.BigInteger())
        for name in names
    }
    update = sa.update(folder_counters).where(key == sa.bindparam("counted", type_=key.type))
    rows = [
        {"counted": folder, **{f"added_{name}": total[folder][name] for name in names}}
        for folder in total
    ]
    await transaction.execute(update.values(values), rows)


async def folders_in_steps(database: Database, size: int) -> AsyncIterator[list[UUID]]:
    """Yield all folders that are not being deleted, so many at a time."""
    last = UUID(int=0)
    while True:
        following = (
            sa.select(folders.c.uuid)
            .where(folders.c.uuid > last, is_staying(folders.c.uuid))
            .order_by(folders.c.uuid)
            .limit(size)
        )
        uuids = [row.uuid for row in await database.rows(following, FolderRecord)]
        yield uuids
        if len(uuids) < size:
            return
        last = uuids[-1]


async def recount(transaction: Transaction, folder_uuid: UUID) -> dict[str, tuple[int, int]]:
    """Correct the counters of a folder, and return the wrong ones as (stored, actual) by name."""
    await lock_counters(transaction, [folder_uuid])
    # Count after locking: the writer of any row that we see has updated the counters already,
    # or waits for our lock to do so.
    wrong = await wrong_counters(transaction, folder_uuid)
    columns = {name: actual for name, (_, actual) in wrong.items() if name in NAMES}
    if columns:
        mine = folder_counters.c.folder_uuid == folder_uuid
        await transaction.execute(sa.update(folder_counters).where(mine).values(columns))
    if len(columns) < len(wrong):
        uses = await wrong_uses(transaction, folder_uuid)
        missing = {(folder_uuid, use): actual - was for use, (was, actual) in uses.items()}
        await add_uses(transaction, missing)
    return wrong


async def wrong_counters(transaction: Transaction, folder_uuid: UUID) -> dict[str, tuple[int, int]]:
    """Return the counters of a folder that are wrong, as (stored, actual) by name.

    All statements must see the same state, or the counters be locked.
    """
    mine = sa.select(folder_counters).where(folder_counters.c.folder_uuid == folder_uuid)
    stored = await transaction.first(mine, FolderCountersRecord)
    if stored is None:
        return {}
    actual = await recomputed_counters(transaction, folder_uuid)
    columns = {
        name: (getattr(stored, name), actual[name])
        for name in NAMES
        if getattr(stored, name) != actual[name]
    }
    uses = await wrong_uses(transaction, folder_uuid)
    return columns | {str(use): counts for use, counts in uses.items()}


async def recomputed_counters(transaction: Transaction, folder_uuid: UUID) -> Counter[str]:
    """Return what the counters of a folder should be, from the rows in it."""
    total: Counter[str] = Counter()
    for row in await transaction.rows(_item_totals(folder_uuid), ItemTotals):
        delta = totals_delta(row, is_tombstone=row.is_tombstone)
        sums = {name: int(delta.pop(name, 0)) for name in _SUMS}
        total.update({**sums, **dict.fromkeys(delta, row.total)})
    total["folders"] = await count_rows(transaction, folders, folders.c.parent_uuid == folder_uuid)
    total["upload_jobs"] = await count_rows(
        transaction, jobs, jobs.c.folder_uuid == folder_uuid, jobs.c.kind == JobKind.UPLOAD
    )
    shared_here = item_shares.c.folder_uuid == folder_uuid
    total["shared_items"] = await count_rows(transaction, item_shares, shared_here)
    return total


def _item_totals(folder_uuid: UUID) -> sa.Select[Any]:
    """Select `ItemTotals`: grouping in SQL keeps a folder of a million items out of memory."""
    kinds = (
        items.c.item_type,
        items.c.is_tombstone,
        items.c.is_placeholder,
        items.c.url.is_not(None),
        items.c.file_count.is_not(None),
    )
    sums = (
        sa.func.sum(
            sa.func.coalesce(items.c.file_count, sa.case((items.c.url.is_not(None), 1)))
        ).label("file_count"),
        sa.func.sum(items.c.older_size).label("older_size"),
        sa.func.count().label("total"),
        sa.func.max(items.c.url).label("url"),
        sa.func.sum(items.c.file_size).label("file_size"),
    )
    return sa.select(*kinds[:3], *sums).where(items.c.folder_uuid == folder_uuid).group_by(*kinds)
