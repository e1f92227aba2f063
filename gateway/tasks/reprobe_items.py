"""Reading of stored files again: a few items a task, so that other tasks get their turn."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from gateway.catalog.reprobing import (
    ITEMS_PER_TASK,
    ReprobeScope,
    enqueue_reprobe,
    enqueue_suspect,
    facts_with_warning,
    find_provided,
    next_items,
    save_facts,
)
from gateway.context import Services
from gateway.database.outages import is_outage
from gateway.kinds.item_kinds import StorageItemType
from gateway.media.errors import MediaError
from gateway.models.items import ItemRecord
from gateway.site_faults import find_site_fault
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame, must_be_divided

log = structlog.get_logger(__name__)


async def reprobe(
    services: Services,
    reader: SourceReader,
    *,
    folder: str | None,
    item_types: list[str],
    after: str,
    only: str = "",
    untagged: bool = False,
    chosen: Sequence[str] = (),
) -> None:
    """Read the next items of a scope again, and enqueue the task for those that follow.

    Once a worker died of the task, each item gets its own task, with `only`. Facts that a client
    provided are kept unless the item was chosen.
    """
    kinds = [*map(StorageItemType, item_types)]
    scope = ReprobeScope(
        UUID(hex=folder) if folder else None, kinds, untagged, [UUID(hex=each) for each in chosen]
    )
    last = UUID(hex=after)
    rows = await next_items(services.database, scope, last, UUID(hex=only) if only else None)
    if not rows:
        return
    if must_be_divided(rows):
        async with services.database.writing() as transaction:
            for row in rows:
                await enqueue_suspect(transaction, services.queue, scope, row.uuid)
            if not chosen:
                await enqueue_reprobe(transaction, services.queue, scope, rows[-1].uuid)
        return
    provided = set() if chosen else await find_provided(services.database, rows)
    async with asyncio.TaskGroup() as group:
        for row in rows:
            group.create_task(_read_again(services, reader, row, row.uuid in provided))
    if len(rows) == ITEMS_PER_TASK and not chosen:
        async with services.database.writing() as transaction:
            await enqueue_reprobe(transaction, services.queue, scope, rows[-1].uuid)


async def _read_again(
    services: Services, reader: SourceReader, row: ItemRecord, is_provided: bool
) -> None:
    """Read an item's file and save its facts; an item that cannot be read now stays as it is.

    A file that is refused now was accepted once: its item keeps the facts, with a warning.

    Raises:
        Exception: the store or the database is away.
    """
    try:
        if is_to_blame():
            raise MediaError(STOPPED_WORKERS)
        facts = None if is_provided else await reader.read_item(row)
    except MediaError as error:
        facts = facts_with_warning(row, f"The file was read again without success: {error}.")
    except Exception as error:
        if find_site_fault(error) or is_outage(error):
            raise
        log.warning("item_not_read_again", item=str(row.uuid), reason=str(error))
        return
    try:
        async with services.database.writing() as transaction:
            await save_facts(transaction, services.queue, row, facts)
    except Exception as error:
        if is_outage(error):
            raise
        log.warning("item_not_updated", item=str(row.uuid), exc_info=True)
