"""Unfinished uploads of a viewer: what was announced and has not been passed to a job yet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_item
from gateway.catalog.ingestion.placeholders import part_count
from gateway.context import Context
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.bound_values import AS_IS
from gateway.execution.declarations import Argument, EdgeQuery, ToMany, ToOne, batch
from gateway.models.items import items
from gateway.models.uploads import uploads
from gateway.stores.base import UploadedPart
from resolvers.global_ids import id_from
from resolvers.id_lists import MAX_IDS
from resolvers.orders import newest_first

Key = TypeVar("Key")
Value = TypeVar("Value")
MAX_LISTED = 100
"""Uploads of one request whose parts are read from the store."""
_CONCURRENT_READS = 8


def _conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of the viewer's announced files that no job has taken."""
    folder, uuids = query.arguments["folder_uuid"], query.arguments["item_uuids"]
    conditions = [
        uploads.c.user_uuid == query.viewer.user_uuid,
        uploads.c.unit_uuid.is_(None),
        sees_item(query.viewer),
    ]
    if folder is not None:
        conditions.append(items.c.folder_uuid == folder)
    if uuids is not None:
        if len(uuids) > MAX_IDS:
            raise bad_input(sized("itemUuids", 0, MAX_IDS, len(uuids), "entries"), "itemUuids")
        conditions.append(uploads.c.item_uuid.in_(uuids))
    return conditions


id_of = id_from("PendingUpload", uploads.c.item_uuid)
item_id_of = id_from("StorageItem", uploads.c.item_uuid)
item_of = ToOne(items, uploads.c.item_uuid)
pending_uploads = ToMany(
    "pendingUploads",
    uploads,
    newest_first(uploads.c.created_at, uploads.c.item_uuid),
    source=uploads.join(items, items.c.uuid == uploads.c.item_uuid),
    where=_conditions,
    arguments=(
        Argument(
            "folder_uuid", UUID | None, None, "Only uploads to this folder, if not null.", AS_IS
        ),
        Argument(
            "item_uuids", list[UUID] | None, None, "Only those of these items, at most 1,000."
        ),
    ),
)


@batch(uploads.c.file_size)
async def part_size_of(context: Context, keys: list[int | None]) -> list[int | None]:
    """Return the size of parts where a file is sent in parts."""
    size = context.services.store.part_size
    return [size if file_size and file_size > size else None for file_size in keys]


@batch(uploads.c.file_size)
async def part_count_of(context: Context, keys: list[int | None]) -> list[int | None]:
    """Return the number of parts where a file is sent in parts."""
    size = context.services.store.part_size
    return [
        part_count(file_size, size) if file_size and file_size > size else None
        for file_size in keys
    ]


@batch(uploads.c.object_key, uploads.c.parts_id, work=50)
async def parts_of(
    context: Context, keys: list[tuple[str, str | None]]
) -> list[list[UploadedPart]]:
    """Read the parts that have arrived from the store, for a few uploads at a time."""
    started = sum(parts_id is not None for _, parts_id in keys)
    if started > MAX_LISTED:
        raise DomainError(
            ErrorCode.LIMIT_EXCEEDED,
            f"The parts of at most {MAX_LISTED} uploads can be listed at once, not of {started:,}. "
            "Request a smaller page.",
        )

    async def read(key: tuple[str, str | None]) -> list[UploadedPart]:
        object_key, parts_id = key
        return await context.services.store.parts(object_key, parts_id) if parts_id else []

    return await _read_some_at_a_time(keys, read)


@batch(uploads.c.object_key, uploads.c.stored_key, work=50)
async def has_arrived(context: Context, keys: list[tuple[str, str | None]]) -> list[bool]:
    """Look up in the store whether all bytes have arrived, for a few uploads at a time."""

    async def is_there(key: tuple[str, str | None]) -> bool:
        object_key, stored_key = key
        return bool(stored_key) or await context.services.store.info(object_key) is not None

    return await _read_some_at_a_time(keys, is_there)


async def _read_some_at_a_time(
    keys: Sequence[Key], read: Callable[[Key], Awaitable[Value]]
) -> list[Value]:
    slots = asyncio.Semaphore(_CONCURRENT_READS)

    async def read_in_turn(key: Key) -> Value:
        async with slots:
            return await read(key)

    return await asyncio.gather(*(read_in_turn(key) for key in keys))
