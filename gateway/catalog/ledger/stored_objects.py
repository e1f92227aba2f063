"""Stored objects and who refers to them: bytes that nobody needs are removed by a task, after the commit."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.base import now
from gateway.models.items import items, stored_objects
from gateway.models.reencoding import renditions
from gateway.models.uploads import manifests, uploads
from gateway.queues.base import Queue

REMOVE_OBJECTS = "remove_objects"
ABORT_PARTS = "abort_parts"
LONGEST_UPLOAD = timedelta(days=7, minutes=5)
"""After this no upload URL works any more: they live for 7 days at most."""
_AT_ONCE = 500


async def release_objects(
    transaction: Transaction, queue: Queue, keys: Iterable[str | None]
) -> None:
    """Have these objects removed if nothing refers to them when the task comes to it.

    A second task looks when no upload URL works any more: until then bytes may arrive again under a key that is free.
    """
    wanted = sorted({key for key in keys if key})
    for start in range(0, len(wanted), _AT_ONCE):
        for moment in (now(), now() + LONGEST_UPLOAD):
            some = wanted[start : start + _AT_ONCE]
            await queue.enqueue(transaction, REMOVE_OBJECTS, {"keys": some}, run_at=moment)


async def abandon_uploads(transaction: Transaction, queue: Queue, rows: Collection[Any]) -> None:
    """What was sent for these uploads, or was to be used in its place, is not needed for them any more."""
    ours = [upload for upload in rows if upload.source_url is None]
    for upload in ours:
        if upload.parts_id is not None:
            await queue.enqueue(
                transaction, ABORT_PARTS, {"key": upload.object_key, "parts_id": upload.parts_id}
            )
    await release_objects(
        transaction,
        queue,
        [key for upload in ours for key in (upload.object_key, upload.stored_key)],
    )


async def delete_manifest(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """The manifest of a job, if it had one, is not needed any more."""
    gone = (
        sa.delete(manifests)
        .where(manifests.c.job_uuid == job_uuid)
        .returning(manifests.c.object_key)
    )
    await release_objects(
        transaction, queue, [row.object_key for row in await transaction.rows(gone)]
    )


async def mark_leaving(transaction: Transaction, keys: Collection[str]) -> list[str]:
    """The keys to remove: those that nothing refers to, and, once this has committed, nothing will again.

    Whoever is about to refer to an object holds its row, in the same order, and finds it leaving or makes us wait.
    """
    chosen = in_keys(stored_objects.c.key, keys)
    held = (
        sa.select(stored_objects.c.key)
        .where(chosen)
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
    )
    await transaction.rows(held.with_for_update())
    leaving = sorted(set(keys) - await _used(transaction, keys))
    unused = in_keys(stored_objects.c.key, leaving)
    await transaction.execute(sa.update(stored_objects).where(unused).values(is_leaving=True))
    return leaving


async def delete_object_rows(transaction: Transaction, keys: Collection[str]) -> None:
    """The bytes are gone: so are their rows."""
    chosen = in_keys(stored_objects.c.key, keys)
    await transaction.execute(sa.delete(stored_objects).where(chosen, stored_objects.c.is_leaving))


async def _used(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """Those of the keys that an item has, or its new version, an upload that is about to become one, or a manifest."""
    columns = (
        items.c.object_key,
        renditions.c.object_key,
        uploads.c.stored_key,
        uploads.c.object_key,
        manifests.c.object_key,
    )
    found = [sa.select(column.label("key")).where(in_keys(column, keys)) for column in columns]
    return {row.key for row in await transaction.rows(sa.union_all(*found))}
