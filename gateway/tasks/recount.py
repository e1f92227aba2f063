"""Comparison of the folders' counters with their rows, as a safeguard."""

from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.auth.visibility import is_staying
from gateway.catalog.ledger.counters import recount as recount_folder
from gateway.context import Services
from gateway.models.folders import FolderRecord, folders

_BATCH = 1000

log = structlog.get_logger(__name__)


async def recount(services: Services) -> None:
    """Correct the counters of every folder, each in a transaction of its own."""
    last = UUID(int=0)
    while True:
        batch = (
            sa.select(folders.c.uuid)
            .where(folders.c.uuid > last, is_staying(folders.c.uuid))
            .order_by(folders.c.uuid)
            .limit(_BATCH)
        )
        rows = await services.database.rows(batch, FolderRecord)
        for row in rows:
            async with services.database.writing() as transaction:
                wrong = await recount_folder(transaction, row.uuid)
            if wrong:
                log.warning("counters_repaired", folder=str(row.uuid), wrong=wrong)
        if len(rows) < _BATCH:
            return
        last = rows[-1].uuid
