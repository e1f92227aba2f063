"""Comparing the counters of folders with their rows, and mending them."""

from collections.abc import AsyncIterator
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.ledger.counters import recount as recount_folder
from gateway.context import Services
from gateway.models.folders import folders

_AT_ONCE = 1000

log = structlog.get_logger(__name__)


async def recount(services: Services) -> None:
    """Look at every folder, each in a transaction of its own."""
    async for folder_uuid in _all_folders(services):
        async with services.database.writing() as transaction:
            wrong = await recount_folder(transaction, folder_uuid)
        if wrong:
            log.warning("counters_mended", folder=str(folder_uuid), wrong=wrong)


async def _all_folders(services: Services) -> AsyncIterator[UUID]:
    last = UUID(int=0)
    while True:
        after = (
            sa.select(folders.c.uuid)
            .where(folders.c.uuid > last)
            .order_by(folders.c.uuid)
            .limit(_AT_ONCE)
        )
        rows = await services.database.rows(after)
        for row in rows:
            yield row.uuid
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].uuid
