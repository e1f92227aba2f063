"""Stored objects and who refers to them: bytes that nobody needs are removed by a task, after the commit."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa

from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.jobs.queue import Queue
from gateway.models.items import items, stored_objects

REMOVE_OBJECTS = "remove_objects"
_AT_ONCE = 500


async def release(transaction: Transaction, queue: Queue, keys: Iterable[str | None], after: datetime | None = None) -> None:
    """Have these objects removed if, when the task comes to it (not before `after`), nothing refers to them."""
    wanted = sorted({key for key in keys if key})
    for start in range(0, len(wanted), _AT_ONCE):
        await queue.enqueue(transaction, REMOVE_OBJECTS, {"keys": wanted[start : start + _AT_ONCE]}, run_at=after)


async def mark_leaving(transaction: Transaction, keys: Collection[str]) -> list[str]:
    """Of these objects, mark those that no item refers to, so that none will again; the keys to remove."""
    dialect = transaction.connection.dialect.name
    chosen = among(dialect, stored_objects.c.key, keys)
    locked = await transaction.rows(sa.select(stored_objects.c.key).where(chosen).order_by(stored_objects.c.key).with_for_update())
    used = {row.object_key for row in await transaction.rows(sa.select(items.c.object_key).where(among(dialect, items.c.object_key, keys)))}
    leaving = [row.key for row in locked if row.key not in used]
    await transaction.execute(
        sa.update(stored_objects).where(among(dialect, stored_objects.c.key, leaving)).values(is_leaving=True)
    )
    known = {row.key for row in locked}
    return [key for key in keys if key in leaving or key not in known]


async def forget(transaction: Transaction, keys: Collection[str]) -> None:
    """The bytes are gone: so are their rows."""
    chosen = among(transaction.connection.dialect.name, stored_objects.c.key, keys)
    await transaction.execute(sa.delete(stored_objects).where(chosen, stored_objects.c.is_leaving))
