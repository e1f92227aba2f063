"""Starting a job from a manifest that was sent like any file: its placeholder goes, its bytes stay until it is read."""

from dataclasses import replace
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.placeholders import uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, create_job
from gateway.catalog.items import delete_items, locked_items
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, not_found
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.uploads import manifests
from gateway.queues.base import Queue, TaskType
from gateway.stores.base import ObjectStore


class ReadManifestArgs(TypedDict):
    """Arguments of `READ_MANIFEST`: a job, and the number of times that reading crashed before."""

    job: str
    tries: NotRequired[int]


READ_MANIFEST = TaskType("read_manifest", ReadManifestArgs)
MAX_MANIFEST = 100 << 20


async def check_uploaded(store: ObjectStore, upload: Any, *path: str) -> None:
    """The bytes for a placeholder have arrived, and are not too many for a manifest."""
    found = await store.info(upload.stored_key or upload.object_key)
    if found is None:
        raise bad_input("There are no bytes: they were not sent.", *path)
    if found.size > MAX_MANIFEST:
        message = f"The manifest has {found.size:,} bytes; at most {MAX_MANIFEST:,} are allowed."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)


async def start_from_manifest(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    folder_uuid: UUID,
    placeholder_uuid: UUID,
    terms: JobOptions,
    *path: str,
) -> UUID:
    """Write a job whose units a task will read from the manifest."""
    rows = [
        row
        for row in await locked_items(transaction, [placeholder_uuid])
        if row.folder_uuid == folder_uuid
    ]
    upload = (await uploads_of(transaction, [placeholder_uuid])).get(placeholder_uuid)
    if not rows or upload is None or upload.unit_uuid is not None:
        raise not_found("placeholder in this folder", *path)
    if rows[0].item_type is not StorageItemType.PLAIN_TEXT:
        raise bad_input(f"A manifest is announced as PLAIN_TEXT, not {rows[0].item_type}.", *path)
    named = replace(terms, file_name=terms.file_name or upload.file_name)
    job_uuid = await create_job(transaction, viewer.user_uuid, folder_uuid, named, 0)
    kept = {"job_uuid": job_uuid, "object_key": upload.stored_key or upload.object_key}
    await transaction.execute(sa.insert(manifests).values(kept))
    await delete_items(transaction, queue, viewer.user_uuid, rows)
    await queue.enqueue(transaction, READ_MANIFEST, ReadManifestArgs(job=job_uuid.hex))
    return job_uuid
