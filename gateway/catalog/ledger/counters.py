"""The counters of folders, kept in the transaction of each change, and mended from the rows themselves."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageItemType
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from gateway.models.uploads import upload_jobs

COUNTER_OF = {
    StorageItemType.VIDEO: "videos",
    StorageItemType.IMAGE: "images",
    StorageItemType.GROUP: "groups",
    StorageItemType.IMAGE_GROUP: "image_groups",
    StorageItemType.IMAGE_SEQUENCE: "image_sequences",
    StorageItemType.DICOM_FILE: "dicom_files",
    StorageItemType.DICOM_SERIES: "dicom_series",
    StorageItemType.AUDIO: "audios",
    StorageItemType.TIMESERIES: "time_series",
    StorageItemType.NIFTI: "niftis",
    StorageItemType.PLAIN_TEXT: "plain_texts",
    StorageItemType.PDF: "pdfs",
    StorageItemType.SCENE: "scenes",
}
Deltas = Mapping[UUID, Counter[str]]
NAMES = [column.key for column in folder_counters.c if column.key != "folder_uuid"]


def item_delta(item: Any) -> Counter[str]:
    """What one item adds to the counters of its folder."""
    if item.is_tombstone:
        return Counter(tombstones=1)
    if item.is_placeholder:
        return Counter(placeholders=1)
    own = Counter(files=1, total_size=item.file_size or 0) if item.url else Counter[str]()
    return own + Counter({COUNTER_OF[item.item_type]: 1})


def removal_deltas(rows: Iterable[Any]) -> dict[UUID, Counter[str]]:
    """The deltas when these items go away from their folders."""
    deltas: dict[UUID, Counter[str]] = {}
    for row in rows:
        deltas.setdefault(row.folder_uuid, Counter()).subtract(item_delta(row))
    return deltas


def arrival_deltas(rows: Iterable[Any], folder_uuid: UUID) -> dict[UUID, Counter[str]]:
    """The deltas when these items come into a folder."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(item_delta(row))
    return {folder_uuid: total}


async def lock_counters(transaction: Transaction, folder_uuids: Collection[UUID]) -> None:
    """Hold the counters of these folders, for a transaction that counts more than once and knows them beforehand."""
    chosen = in_keys(folder_counters.c.folder_uuid, folder_uuids)
    held = (
        sa.select(folder_counters.c.folder_uuid)
        .where(chosen)
        .order_by(folder_counters.c.folder_uuid)
    )
    await transaction.rows(held.with_for_update())


async def apply_deltas(transaction: Transaction, *deltas: Deltas) -> None:
    """Add deltas to the counters; in the order of the folders, so that no two transactions wait in a circle."""
    total: dict[UUID, Counter[str]] = {}
    for delta in deltas:
        for folder, change in delta.items():
            total.setdefault(folder, Counter()).update(change)
    for folder in sorted(total):
        values = {
            name: folder_counters.c[name] + change
            for name, change in total[folder].items()
            if change
        }
        if values:
            await transaction.execute(
                sa.update(folder_counters)
                .where(folder_counters.c.folder_uuid == folder)
                .values(values)
            )


async def recount(transaction: Transaction, folder_uuid: UUID) -> dict[str, tuple[int, int]]:
    """Mend a folder's counters; what each wrong one said, and what it says now."""
    mine = folder_counters.c.folder_uuid == folder_uuid
    kept = await transaction.first(sa.select(folder_counters).where(mine).with_for_update())
    if kept is None:
        return {}
    # Read after the lock: whoever has written rows that we see has counted them, or waits for us to do so.
    true = await recomputed_counters(transaction, folder_uuid)
    wrong = {
        name: (getattr(kept, name), true[name])
        for name in NAMES
        if getattr(kept, name) != true[name]
    }
    if wrong:
        await transaction.execute(
            sa.update(folder_counters).where(mine).values({name: true[name] for name in wrong})
        )
    return wrong


async def recomputed_counters(transaction: Transaction, folder_uuid: UUID) -> Counter[str]:
    """What the counters of a folder should say."""
    total: Counter[str] = Counter()
    for row in await transaction.rows(_items_by_kind(folder_uuid)):
        each = item_delta(row)
        size = each.pop("total_size", 0)
        total.update({"total_size": int(size), **dict.fromkeys(each, row.found)})
    for name, column in (
        ("folders", folders.c.parent_uuid),
        ("upload_jobs", upload_jobs.c.folder_uuid),
    ):
        found = sa.select(sa.func.count().label("found")).where(column == folder_uuid)
        total[name] = (await transaction.first(found)).found
    return total


def _items_by_kind(folder_uuid: UUID) -> sa.Select[Any]:
    """One row for all items that count alike, in the shape of an item that has the bytes of them all."""
    kinds = (
        items.c.item_type,
        items.c.is_tombstone,
        items.c.is_placeholder,
        items.c.url.is_not(None),
    )
    sums = (
        sa.func.count().label("found"),
        sa.func.max(items.c.url).label("url"),
        sa.func.sum(items.c.file_size).label("file_size"),
    )
    return sa.select(*kinds[:3], *sums).where(items.c.folder_uuid == folder_uuid).group_by(*kinds)
