"""Removing bytes that nothing refers to, from our own store only."""

from gateway.catalog.ledger.stored_objects import delete_object_rows, mark_leaving
from gateway.context import Services


async def remove_objects(services: Services, *, keys: list[str]) -> None:
    """Remove those of the objects that nothing refers to: marked first, so that nothing will refer to them again."""
    async with services.database.writing() as transaction:
        leaving = await mark_leaving(transaction, keys)
    await services.store.delete(leaving)
    async with services.database.writing() as transaction:
        await delete_object_rows(transaction, leaving)


async def abort_parts(services: Services, *, key: str, parts_id: str) -> None:
    """Forget the parts of an upload that will not be completed."""
    await services.store.abort_parts(key, parts_id)
