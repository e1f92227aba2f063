"""References to stored objects: a task removes the bytes that nothing refers to any more."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.thumbnails import delete_thumbnails
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.dicom import encapsulated_files
from gateway.models.items import StoredObjectRecord, items, stored_objects
from gateway.models.reencoding import renditions
from gateway.models.revisions import bitstreams
from gateway.models.thumbnails import thumbnails
from gateway.models.uploads import ManifestRecord, UploadRecord, manifests, uploads
from gateway.queues.base import NO_DELAY, Queue, TaskType


class RemoveObjectsArgs(TypedDict):
    """Arguments of `REMOVE_OBJECTS`: keys in the object store."""

    keys: list[str]


class AbortPartsArgs(TypedDict):
    """Arguments of `ABORT_PARTS`: an object's key, and the store's id of its multipart upload."""

    key: str
    parts_id: str


REMOVE_OBJECTS = TaskType("remove_objects", RemoveObjectsArgs)
ABORT_PARTS = TaskType("abort_parts", AbortPartsArgs)
LONGEST_UPLOAD = timedelta(days=7, minutes=5)
"""Age at which every upload URL has expired; they are valid for at most 7 days."""
_KEYS_PER_TASK = 500


class _ObjectKey(NamedTuple):
    key: str


async def release_objects(
    transaction: Transaction, queue: Queue, keys: Iterable[str | None]
) -> None:
    """Enqueue tasks that remove these objects, unless something refers to them by then.

    A second task runs when all upload URLs have expired: until then, bytes can be uploaded again
    under a key that was removed.
    """
    wanted = sorted({key for key in keys if key})
    for start in range(0, len(wanted), _KEYS_PER_TASK):
        for delay in (NO_DELAY, LONGEST_UPLOAD):
            batch = wanted[start : start + _KEYS_PER_TASK]
            await queue.enqueue(
                transaction, REMOVE_OBJECTS, RemoveObjectsArgs(keys=batch), delay=delay
            )


async def abandon_uploads(
    transaction: Transaction, queue: Queue, rows: Collection[UploadRecord]
) -> None:
    """Release the objects of these uploads, and abort those that are sent in parts."""
    sent = [upload for upload in rows if upload.source_url is None]
    for upload in sent:
        if upload.parts_id is not None:
            args = AbortPartsArgs(key=upload.object_key, parts_id=upload.parts_id)
            await queue.enqueue(transaction, ABORT_PARTS, args)
    await release_objects(
        transaction,
        queue,
        [key for upload in sent for key in (upload.object_key, upload.stored_key)],
    )


async def delete_manifest(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Delete the manifest of a job, if it has one, and release its object."""
    deleted = (
        sa.delete(manifests)
        .where(manifests.c.job_uuid == job_uuid)
        .returning(manifests.c.object_key)
    )
    rows = await transaction.rows(deleted, ManifestRecord)
    await release_objects(transaction, queue, [row.object_key for row in rows])


async def mark_leaving(transaction: Transaction, keys: Collection[str]) -> list[str]:
    """Mark the objects that nothing refers to as leaving, and return their keys.

    Nothing will refer to them again: a transaction that is about to refer to an object locks its
    row first, in the same order, and so either sees the mark or makes this one wait.
    """
    rows = (
        sa.select(stored_objects.c.key)
        .where(in_keys(stored_objects.c.key, keys))
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
    )
    await transaction.rows(rows.with_for_update(), StoredObjectRecord)
    leaving = sorted(set(keys) - await _referenced(transaction, keys))
    unused = in_keys(stored_objects.c.key, leaving)
    await transaction.execute(sa.update(stored_objects).where(unused).values(is_leaving=True))
    return leaving


async def delete_object_rows(transaction: Transaction, queue: Queue, keys: Collection[str]) -> None:
    """Delete the rows of objects, marked by `mark_leaving`, whose bytes have been removed.

    Their thumbnails are released.
    """
    chosen = in_keys(thumbnails.c.source_key, keys)
    await release_objects(transaction, queue, await delete_thumbnails(transaction, chosen))
    await transaction.execute(sa.delete(stored_objects).where(in_keys(stored_objects.c.key, keys)))


async def _referenced(transaction: Transaction, keys: Collection[str]) -> set[str]:
    """Return the keys that an item, revision, rendition, upload, manifest or extract refers to.

    A new column that refers to stored objects must be listed here, or its objects are removed.
    Thumbnails need not be: they are removed with their source.
    """
    columns = (
        items.c.object_key,
        bitstreams.c.object_key,
        renditions.c.object_key,
        uploads.c.stored_key,
        uploads.c.object_key,
        manifests.c.object_key,
        encapsulated_files.c.object_key,
    )
    references = [sa.select(column.label("key")).where(in_keys(column, keys)) for column in columns]
    return {row.key for row in await transaction.rows(sa.union_all(*references), _ObjectKey)}
