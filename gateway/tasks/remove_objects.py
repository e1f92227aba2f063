"""Removal of bytes that nothing refers to from the gateway's own store."""

from datetime import timedelta

from gateway.catalog.ledger.stored_objects import (
    ABORT_PARTS,
    REMOVE_OBJECTS,
    AbortPartsArgs,
    RemoveObjectsArgs,
    delete_object_rows,
    mark_leaving,
)
from gateway.context import Services
from gateway.database.removals import removal_is_suspended

_SUSPENDED = timedelta(minutes=1)
"""Delay before objects are removed while a backup copies them."""


async def remove_objects(services: Services, *, keys: list[str]) -> None:
    """Remove those of the objects that nothing refers to.

    They are marked first, so that no transaction refers to them again.
    """
    async with services.database.writing() as transaction:
        if await removal_is_suspended(transaction):
            args = RemoveObjectsArgs(keys=keys)
            await services.queue.enqueue(transaction, REMOVE_OBJECTS, args, delay=_SUSPENDED)
            return
        leaving = await mark_leaving(transaction, keys)
    await services.store.delete(leaving)
    async with services.database.writing() as transaction:
        await delete_object_rows(transaction, services.queue, leaving)


async def abort_parts(services: Services, *, key: str, parts_id: str) -> None:
    """Discard the parts of a multipart upload that will not be completed."""
    async with services.database.writing() as transaction:
        if await removal_is_suspended(transaction):
            args = AbortPartsArgs(key=key, parts_id=parts_id)
            await services.queue.enqueue(transaction, ABORT_PARTS, args, delay=_SUSPENDED)
            return
    await services.store.abort_parts(key, parts_id)
