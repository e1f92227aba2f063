"""The counters of folders, kept in the transaction of each change, and mended from the rows themselves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.kinds import StorageItemType
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


def counted(item: Any) -> Counter[str]:
    """What one item adds to the counters of its folder."""
    if item.is_tombstone:
        return Counter(tombstones=1)
    if item.is_placeholder:
        return Counter(placeholders=1)
    own = Counter(files=1, total_size=item.file_size or 0) if item.object_key else Counter[str]()
    return own + Counter({COUNTER_OF[item.item_type]: 1})


def leaving(rows: Iterable[Any]) -> dict[UUID, Counter[str]]:
    """The deltas when these items go away from their folders."""
    deltas: dict[UUID, Counter[str]] = {}
    for row in rows:
        deltas.setdefault(row.folder_uuid, Counter()).subtract(counted(row))
    return deltas


def entering(rows: Iterable[Any], folder_uuid: UUID) -> dict[UUID, Counter[str]]:
    """The deltas when these items come into a folder."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(counted(row))
    return {folder_uuid: total}


async def count(transaction: Transaction, *deltas: Deltas) -> None:
    """Add deltas to the counters; in the order of the folders, so that no two transactions wait in a circle."""
    total: dict[UUID, Counter[str]] = {}
    for delta in deltas:
        for folder, change in delta.items():
            total.setdefault(folder, Counter()).update(change)
    for folder in sorted(total):
        values = {name: folder_counters.c[name] + change for name, change in total[folder].items() if change}
        if values:
            await transaction.execute(
                sa.update(folder_counters).where(folder_counters.c.folder_uuid == folder).values(values)
            )


async def recount(transaction: Transaction, folder_uuid: UUID) -> bool:
    """Compare a folder's counters with its rows and mend them; whether anything was wrong."""
    row = folder_counters.c.folder_uuid == folder_uuid
    kept = await transaction.first(sa.select(folder_counters).where(row).with_for_update())
    true = await counted_anew(transaction, folder_uuid)
    if kept is None or all(getattr(kept, name) == true[name] for name in NAMES):
        return False
    await transaction.execute(sa.update(folder_counters).where(row).values({name: true[name] for name in NAMES}))
    return True


async def counted_anew(transaction: Transaction, folder_uuid: UUID) -> Counter[str]:
    """What the counters of a folder should say."""
    total: Counter[str] = Counter()
    kept = (items.c.item_type, items.c.is_tombstone, items.c.is_placeholder, items.c.object_key, items.c.file_size)
    for item in await transaction.rows(sa.select(*kept).where(items.c.folder_uuid == folder_uuid)):
        total.update(counted(item))
    for name, column in (("folders", folders.c.parent_uuid), ("upload_jobs", upload_jobs.c.folder_uuid)):
        total[name] = (await transaction.first(sa.select(sa.func.count().label("n")).where(column == folder_uuid))).n
    return total
