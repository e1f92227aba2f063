"""CRC-32 of stored objects from before it was kept: which lack it, and how it is filled in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NotRequired, TypedDict

import sqlalchemy as sa

from gateway.database.engine import Database, Transaction
from gateway.models.items import StoredObjectRecord, stored_objects
from gateway.queues.base import NO_DELAY, Queue, TaskType


class FillChecksumsArgs(TypedDict):
    """Arguments of `FILL_CHECKSUMS`: the key of the last object that was read, if any was."""

    after: NotRequired[str]


FILL_CHECKSUMS = TaskType("fill_checksums", FillChecksumsArgs)
_LACKS_CHECKSUM = sa.and_(stored_objects.c.crc32.is_(None), ~stored_objects.c.is_leaving)


async def enqueue_checksums(
    transaction: Transaction,
    queue: Queue,
    args: FillChecksumsArgs | None = None,
    delay: timedelta = NO_DELAY,
) -> None:
    """Enqueue the task that fills in checksums, unless it is waiting already."""
    await queue.enqueue(
        transaction, FILL_CHECKSUMS, args or {}, key=FILL_CHECKSUMS.name, delay=delay
    )


async def objects_without_checksum(
    source: Database | Transaction, after: str, limit: int
) -> list[StoredObjectRecord]:
    """Return the next objects whose CRC-32 is not known, by their keys."""
    lacking = sa.select(stored_objects).where(_LACKS_CHECKSUM, stored_objects.c.key > after)
    ordered = lacking.order_by(stored_objects.c.key).limit(limit)
    return [*await source.rows(ordered, StoredObjectRecord)]


async def save_checksums(transaction: Transaction, checksums: Mapping[str, int]) -> None:
    """Store the CRC-32 of objects, given by their keys in the order in which these are locked."""
    if checksums:
        known = sa.bindparam("known_crc32", type_=sa.BigInteger)
        edit = (
            sa.update(stored_objects)
            .where(stored_objects.c.key == sa.bindparam("known_key"), _LACKS_CHECKSUM)
            .values(crc32=known)
        )
        rows = [{"known_key": key, "known_crc32": crc32} for key, crc32 in checksums.items()]
        await transaction.execute(edit, rows)
