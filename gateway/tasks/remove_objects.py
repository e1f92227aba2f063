"""Removal of bytes that nothing refers to from the gateway's own store."""

from gateway.catalog.ledger.stored_objects import delete_object_rows, mark_leaving
from gateway.context import Services


async def remove_objects(services: Services, *, keys: list[str]) -> None:
    """Remove those of the objects that nothing refers to.

    They are marked first, so that no transaction refers to them again.
    """
    async with services.database.writing() as transaction:
        leaving = await mark_leaving(transaction, keys)
    await services.store.delete(leaving)
    async with services.database.writing() as transaction:
        await delete_object_rows(transaction, services.queue, leaving)


async def abort_parts(services: Services, *, key: str, parts_id: str) -> None:
    """Discard the parts of a multipart upload that will not be completed."""
    await services.store.abort_parts(key, parts_id)
