"""Comparison of the folders' counters with their rows, as a safeguard."""

import structlog

from gateway.catalog.ledger.counters import folders_in_steps
from gateway.catalog.ledger.counters import recount as recount_folder
from gateway.context import Services

_BATCH = 1000

log = structlog.get_logger(__name__)


async def recount(services: Services) -> None:
    """Correct the counters of every folder, each in a transaction of its own."""
    async for uuids in folders_in_steps(services.database, _BATCH):
        for uuid in uuids:
            async with services.database.writing() as transaction:
                wrong = await recount_folder(transaction, uuid)
            if wrong:
                log.warning("counters_repaired", folder=str(uuid), wrong=wrong)
