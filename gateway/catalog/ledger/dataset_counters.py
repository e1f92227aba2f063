"""Counters of datasets: numbers of data rows by the storage location of their items.

Transactions collect what to add to them, and add it right before they commit, so that transactions
cannot wait for each other in a circle. Whoever gives an item another storage location holds the
item's lock, for which links to it wait.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.counted_rows import add_to_counts
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageLocationName
from gateway.models.datasets import (
    DataRowRecord,
    DatasetCountersRecord,
    DatasetRecord,
    data_rows,
    dataset_counters,
    datasets,
)
from gateway.models.items import items

Counted = tuple[UUID, str]
"""A dataset and a storage location: what a counter is of."""


class LocatedLink(NamedTuple):
    """A data row with the storage location of its item, or a number of them."""

    dataset_uuid: UUID
    storage_location: StorageLocationName
    total: int


async def note_data_rows(
    transaction: Transaction, uuids: Collection[UUID], *, is_removal: bool = False
) -> None:
    """Count these data rows, which are locked, from the commit on, or no longer."""
    for link in await transaction.rows(_counted(in_keys(data_rows.c.uuid, uuids)), LocatedLink):
        change = -link.total if is_removal else link.total
        transaction.data_row_changes[link.dataset_uuid, link.storage_location] += change


async def note_locations(
    transaction: Transaction, changes: Iterable[tuple[UUID, str, str]]
) -> None:
    """Count the data rows of items that are stored elsewhere now, from the commit on.

    `changes` are the items with their storage locations before and after.
    """
    moved = {uuid: (before, after) for uuid, before, after in changes if before != after}
    if not moved:
        return
    linked = sa.select(data_rows.c.dataset_uuid, data_rows.c.item_uuid).with_for_update()
    links = linked.where(in_keys(data_rows.c.item_uuid, moved)).order_by(data_rows.c.uuid)
    for link in await transaction.rows(links, DataRowRecord):
        before, after = moved[link.item_uuid]
        transaction.data_row_changes[link.dataset_uuid, before] -= 1
        transaction.data_row_changes[link.dataset_uuid, after] += 1


async def write_counters(transaction: Transaction) -> None:
    """Add to the counters what the transaction has collected."""
    if not transaction.data_row_changes:
        return
    changes = {key: change for key, change in transaction.data_row_changes.items() if change}
    transaction.data_row_changes.clear()
    await add_to_counts(transaction, dataset_counters.c.data_rows, datasets.c.uuid, changes)


async def wrong_dataset_counters(
    transaction: Transaction, dataset_uuid: UUID
) -> dict[Counted, tuple[int, int]]:
    """Return the counters of a dataset that are wrong, as (stored, actual).

    All statements must see the same state, or the counters be locked.
    """
    kept = sa.select(dataset_counters).where(dataset_counters.c.dataset_uuid == dataset_uuid)
    stored, actual = Counter[Counted](), Counter[Counted]()
    for row in await transaction.rows(kept, DatasetCountersRecord):
        stored[row.dataset_uuid, row.storage_location] = row.data_rows
    counted = _counted(data_rows.c.dataset_uuid == dataset_uuid)
    for link in await transaction.rows(counted, LocatedLink):
        actual[link.dataset_uuid, link.storage_location] = link.total
    keys = sorted({*stored, *actual})
    return {each: (stored[each], actual[each]) for each in keys if stored[each] != actual[each]}


async def recount_dataset(
    transaction: Transaction, dataset_uuid: UUID
) -> dict[Counted, tuple[int, int]]:
    """Correct the counters of a dataset, and return the wrong ones as (stored, actual)."""
    # Who adds data rows or counters holds the dataset; the others wait for the counters.
    chosen = sa.select(datasets.c.uuid).where(datasets.c.uuid == dataset_uuid)
    await transaction.rows(chosen.with_for_update(), DatasetRecord)
    mine = sa.select(dataset_counters).where(dataset_counters.c.dataset_uuid == dataset_uuid)
    await transaction.rows(mine.with_for_update(), DatasetCountersRecord)
    wrong = await wrong_dataset_counters(transaction, dataset_uuid)
    changes = {key: actual - stored for key, (stored, actual) in wrong.items()}
    await add_to_counts(transaction, dataset_counters.c.data_rows, datasets.c.uuid, changes)
    return wrong


def _counted(condition: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    key = data_rows.c.dataset_uuid, items.c.storage_location
    joined = data_rows.join(items, items.c.uuid == data_rows.c.item_uuid)
    total = sa.func.count().label("total")
    return sa.select(*key, total).select_from(joined).where(condition).group_by(*key)
