"""Comparison of the counters of folders and datasets with their rows, as a safeguard."""

import sqlalchemy as sa
import structlog

from gateway.catalog.ledger.counters import folders_in_steps
from gateway.catalog.ledger.counters import recount as recount_folder
from gateway.catalog.ledger.dataset_counters import recount_dataset
from gateway.context import Services
from gateway.models.datasets import DatasetRecord, datasets

_BATCH = 1000

log = structlog.get_logger(__name__)


async def recount(services: Services) -> None:
    """Correct the counters of every folder and dataset, each in a transaction of its own."""
    async for uuids in folders_in_steps(services.database, _BATCH):
        for uuid in uuids:
            async with services.database.writing() as transaction:
                wrong = await recount_folder(transaction, uuid)
            if wrong:
                log.warning("counters_repaired", folder=str(uuid), wrong=wrong)
    for row in await services.database.rows(sa.select(datasets.c.uuid), DatasetRecord):
        async with services.database.writing() as transaction:
            places = await recount_dataset(transaction, row.uuid)
        if places:
            texts = {location: counts for (_, location), counts in places.items()}
            log.warning("counters_repaired", dataset=str(row.uuid), wrong=texts)
