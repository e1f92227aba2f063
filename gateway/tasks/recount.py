"""Comparing the counters of folders with their rows, and mending them."""

import sqlalchemy as sa
import structlog

from gateway.catalog.counters import recount as recount_folder
from gateway.context import Services
from gateway.models.folders import folders

_log = structlog.get_logger()


async def recount(services: Services) -> None:
    """Look at every folder, each in a transaction of its own."""
    for row in await services.database.rows(sa.select(folders.c.uuid).order_by(folders.c.uuid)):
        async with services.database.writing() as transaction:
            wrong = await recount_folder(transaction, row.uuid)
        if wrong:
            _log.warning("counters_mended", folder=str(row.uuid))
