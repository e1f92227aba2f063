"""PDFs and videos inside DICOM files: a task copies them out, and they are deleted with the files.

Their keys are chosen before anything is stored, so that nothing is left over wherever a worker is
killed.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.stored_objects import release_objects
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.dicom_object import DicomObject
from gateway.models.base import new_row
from gateway.models.dicom import EncapsulatedFileRecord, encapsulated_files
from gateway.models.items import items
from gateway.queues.base import NO_DELAY, Queue, TaskType
from gateway.stores.keys import new_key


class ExtractEncapsulatedArgs(TypedDict):
    """Arguments of `EXTRACT_ENCAPSULATED`: an item, and the key of the object to store.

    `tries` is the number of failed attempts before this one.
    """

    item: str
    object_key: str
    tries: NotRequired[int]


EXTRACT_ENCAPSULATED = TaskType("extract_encapsulated", ExtractEncapsulatedArgs)


class FileToExtract(NamedTuple):
    """A file to extract, with the columns of its item that lead to the DICOM file."""

    item_uuid: UUID
    key: str
    mime_type: str
    ranges: list[tuple[int, int]]
    extracted_size: int
    is_stored: bool
    object_key: str | None
    url: str
    integration_uuid: UUID | None
    file_size: int | None


async def save_encapsulated(
    transaction: Transaction,
    queue: Queue,
    objects: Mapping[UUID, DicomObject],
    elsewhere: Collection[UUID],
) -> None:
    """Keep which files are inside DICOM files that were read, by the UUIDs of the items.

    Callers have locked the items, and have deleted what was extracted from files that changed.
    If a file was read again and holds the same as before, that stays. Those in the gateway's own
    store are extracted; those `elsewhere` when someone asks for it: reading them may cost their
    owner money.
    """
    known = await transaction.rows(
        sa.select(encapsulated_files).where(in_keys(encapsulated_files.c.item_uuid, objects)),
        EncapsulatedFileRecord,
    )
    missing = {uuid: each for uuid, read in objects.items() if (each := read["encapsulated"])}
    other = []
    for row in known:
        read = missing.get(row.item_uuid)
        pieces = [tuple(piece) for piece in row.ranges]
        if read and (read["mime_type"], [*map(tuple, read["ranges"])]) == (row.mime_type, pieces):
            del missing[row.item_uuid]
            if not row.is_stored and row.item_uuid not in elsewhere:
                await enqueue_extraction(transaction, queue, row.item_uuid, row.object_key)
        else:
            other.append(row.item_uuid)
    await release_objects(transaction, queue, await delete_encapsulated(transaction, other))
    rows = [
        new_row(
            EncapsulatedFileRecord,
            item_uuid=uuid,
            mime_type=each["mime_type"],
            ranges=each["ranges"],
            file_size=sum(stop - start for start, stop in each["ranges"]),
            object_key=new_key(),
        )
        for uuid, each in sorted(missing.items())
    ]
    if rows:
        await transaction.execute(sa.insert(encapsulated_files), rows)
    for new in rows:
        if new["item_uuid"] not in elsewhere:
            await enqueue_extraction(transaction, queue, new["item_uuid"], new["object_key"])


async def enqueue_extraction(
    transaction: Transaction,
    queue: Queue,
    item_uuid: UUID,
    object_key: str,
    tries: int = 0,
    delay: timedelta = NO_DELAY,
) -> None:
    """Enqueue the task that stores a file under its key."""
    args = ExtractEncapsulatedArgs(item=item_uuid.hex, object_key=object_key, tries=tries)
    await queue.enqueue(transaction, EXTRACT_ENCAPSULATED, args, delay=delay)


async def delete_encapsulated(transaction: Transaction, uuids: Collection[UUID]) -> list[str]:
    """Delete the files that were extracted for items, and return the keys of their objects."""
    if not uuids:
        return []
    mine = in_keys(encapsulated_files.c.item_uuid, uuids)
    deleted = sa.delete(encapsulated_files).where(mine).returning(encapsulated_files.c.object_key)
    return [row.object_key for row in await transaction.rows(deleted, EncapsulatedFileRecord)]


async def find_extraction(
    transaction: Transaction, item_uuid: UUID, object_key: str
) -> FileToExtract | None:
    """Return a file to extract; None if the item was deleted, or its file replaced."""
    known = encapsulated_files.c
    statement = (
        sa.select(
            known.item_uuid,
            known.object_key.label("key"),
            known.mime_type,
            known.ranges,
            known.file_size.label("extracted_size"),
            known.is_stored,
            *(items.c[name] for name in FileToExtract._fields[-4:]),
        )
        .join(items, items.c.uuid == known.item_uuid)
        .where(_has_key(item_uuid, object_key), items.c.url.is_not(None))
    )
    return next(iter(await transaction.rows(statement, FileToExtract)), None)


async def note_extracted(
    transaction: Transaction, queue: Queue, item_uuid: UUID, object_key: str
) -> None:
    """Note that a file is stored; if its item was deleted meanwhile, remove it again."""
    changed = sa.update(encapsulated_files).where(_has_key(item_uuid, object_key))
    stored = changed.values(is_stored=True).returning(encapsulated_files.c.item_uuid)
    if not await transaction.rows(stored, EncapsulatedFileRecord):
        await release_objects(transaction, queue, [object_key])


async def give_up_extraction(
    transaction: Transaction, queue: Queue, item_uuid: UUID, object_key: str
) -> None:
    """Let a file never be extracted, unless the DICOM file is read again."""
    row = sa.delete(encapsulated_files).where(_has_key(item_uuid, object_key))
    await transaction.execute(row)
    await release_objects(transaction, queue, [object_key])


async def extract_again(transaction: Transaction, queue: Queue, keys: Collection[str]) -> None:
    """Let files be extracted again whose objects are lost."""
    lost = sa.update(encapsulated_files).where(in_keys(encapsulated_files.c.object_key, keys))
    returned = lost.values(is_stored=False).returning(encapsulated_files)
    for row in await transaction.rows(returned, EncapsulatedFileRecord):
        await enqueue_extraction(transaction, queue, row.item_uuid, row.object_key)


def _has_key(item_uuid: UUID, object_key: str) -> sa.ColumnElement[bool]:
    """Return the condition of an item's extracted file, unless another one has replaced it."""
    known = encapsulated_files.c
    return (known.item_uuid == item_uuid) & (known.object_key == object_key)
