"""Stored objects and who refers to them: bytes that nobody needs are removed by a task, after the commit."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.jobs.queue import Queue
from gateway.models.base import now
from gateway.models.items import items, stored_objects
from gateway.models.uploads import uploads

REMOVE_OBJECTS = "remove_objects"
ABORT_PARTS = "abort_parts"
LONGEST_UPLOAD = timedelta(days=7, minutes=5)
"""After this no upload URL works any more: they live for 7 days at most."""
_AT_ONCE = 500


async def release(
    transaction: Transaction, queue: Queue, keys: Iterable[str | None], after: datetime | None = None
) -> None:
    """Have these objects removed if, when the task comes to it (not before `after`), nothing refers to them."""
    wanted = sorted({key for key in keys if key})
    for start in range(0, len(wanted), _AT_ONCE):
        await queue.enqueue(transaction, REMOVE_OBJECTS, {"keys": wanted[start : start + _AT_ONCE]}, run_at=after)


async def give_up_uploads(transaction: Transaction, queue: Queue, uploads: Iterable[Any]) -> None:
    """Bytes may still come for uploads that are given up, until their URLs expire: have those removed as well."""
    uploads = list(uploads)
    for upload in uploads:
        if upload.parts_id is not None:
            await queue.enqueue(transaction, ABORT_PARTS, {"key": upload.object_key, "parts_id": upload.parts_id})
    await release(transaction, queue, [upload.object_key for upload in uploads], now() + LONGEST_UPLOAD)


async def mark_leaving(transaction: Transaction, keys: Collection[str]) -> list[str]:
    """Of these objects, mark those that no item refers to, so that none will again; the keys to remove."""
    dialect = transaction.connection.dialect.name
    chosen = among(dialect, stored_objects.c.key, keys)
    locked = await transaction.rows(
        sa.select(stored_objects.c.key).where(chosen).order_by(stored_objects.c.key).with_for_update()
    )
    used = await _used(transaction, keys)
    leaving = [row.key for row in locked if row.key not in used]
    await transaction.execute(
        sa.update(stored_objects).where(among(dialect, stored_objects.c.key, leaving)).values(is_leaving=True)
    )
    known = {row.key for row in locked}
    return [key for key in keys if key in leaving or (key not in known and key not in used)]


async def forget(transaction: Transaction, keys: Collection[str]) -> None:
    """The bytes are gone: so are their rows."""
    chosen = among(transaction.connection.dialect.name, stored_objects.c.key, keys)
    await transaction.execute(sa.delete(stored_objects).where(chosen, stored_objects.c.is_leaving))


async def _used(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """Those of the keys that an item has, or an upload that is about to become one."""
    dialect = transaction.connection.dialect.name
    columns = (items.c.object_key, uploads.c.stored_key, uploads.c.object_key)
    found = [sa.select(column.label("key")).where(among(dialect, column, keys)) for column in columns]
    return {row.key for row in await transaction.rows(sa.union_all(*found))}
