"""Start of an upload job from a manifest that was uploaded to a placeholder.

The placeholder is deleted; the manifest's bytes are kept until a task has read all units from
them.
"""

from dataclasses import replace
from typing import NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.placeholders import uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, create_job
from gateway.catalog.items import delete_items, lock_items
from gateway.database.engine import Transaction
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input, not_found
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.uploads import UploadRecord, manifests
from gateway.queues.base import Queue, TaskType
from gateway.stores.base import ObjectStore


class ReadManifestArgs(TypedDict):
    """Arguments of `READ_MANIFEST`: a job, and the number of times that reading crashed before."""

    job: str
    tries: NotRequired[int]


READ_MANIFEST = TaskType("read_manifest", ReadManifestArgs)
MAX_MANIFEST = 100 << 20
"""Bytes of a manifest."""


async def check_uploaded(store: ObjectStore, upload: UploadRecord, *path: str) -> None:
    """Raise a `DomainError` unless a manifest's bytes have arrived and are not too many."""
    info = await store.info(upload.stored_key or upload.object_key)
    if info is None:
        raise bad_input("No bytes were uploaded to the placeholder.", *path)
    if info.size > MAX_MANIFEST:
        message = sized("The manifest", 0, MAX_MANIFEST, info.size, "bytes")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)


async def start_from_manifest(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    folder_uuid: UUID,
    placeholder_uuid: UUID,
    options: JobOptions,
    *path: str,
) -> UUID:
    """Create a job without units, enqueue the task that reads them, and return the job's UUID."""
    locked = await lock_items(transaction, [placeholder_uuid])
    rows = [row for row in locked if row.folder_uuid == folder_uuid]
    upload = (await uploads_of(transaction, [placeholder_uuid])).get(placeholder_uuid)
    if not rows or upload is None or upload.unit_uuid is not None:
        raise not_found("placeholder in this folder", placeholder_uuid, *path)
    if upload.item_type not in (StorageItemType.PLAIN_TEXT, None):
        message = (
            "The placeholder of a manifest must be of type PLAIN_TEXT; "
            f"this one is of type {upload.item_type}."
        )
        raise bad_input(message, *path)
    file_name = options.file_name or upload.file_name
    options = replace(
        options, file_name=file_name, sees_phi=viewer.sees_phi, tree_uuid=viewer.tree_uuid
    )
    job_uuid = await create_job(transaction, viewer.user_uuid, folder_uuid, options, 0)
    manifest = {"job_uuid": job_uuid, "object_key": upload.stored_key or upload.object_key}
    await transaction.execute(sa.insert(manifests).values(manifest))
    await delete_items(transaction, queue, viewer.user_uuid, rows)
    await queue.enqueue(transaction, READ_MANIFEST, ReadManifestArgs(job=job_uuid.hex))
    return job_uuid
