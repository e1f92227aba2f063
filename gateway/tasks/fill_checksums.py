"""Fills in the CRC-32 of objects that were stored before it was kept."""

import asyncio
import zlib
from datetime import timedelta
from time import monotonic

from gateway.catalog.checksums import (
    FillChecksumsArgs,
    enqueue_checksums,
    objects_without_checksum,
    save_checksums,
)
from gateway.context import Services
from gateway.models.items import StoredObjectRecord
from gateway.stores.base import MissingObject

SLICE_SECONDS = 10.0
"""Time after which a run ends and is continued by another, so that other tasks get their turn."""
_BATCH = 100
_CHUNK = 8 << 20
PAUSE = timedelta(seconds=1)
"""Delay before the next run."""


async def fill_checksums(services: Services, *, after: str = "") -> None:
    """Read objects without a CRC-32, in the order of their keys, and store it.

    Those that are missing in the store stay without.
    """
    end = monotonic() + SLICE_SECONDS
    while rows := await objects_without_checksum(services.database, after, _BATCH):
        read: dict[str, int] = {}
        for row in rows:
            try:
                read[row.key] = await _crc32_of(services, row)
            except MissingObject:
                pass
            after = row.key
            if monotonic() > end:
                break
        # Other transactions lock objects in this order.
        ordered = sorted(rows, key=lambda row: (row.sha256, row.key))
        async with services.database.writing() as transaction:
            await save_checksums(
                transaction, {row.key: read[row.key] for row in ordered if row.key in read}
            )
            if monotonic() > end:
                args = FillChecksumsArgs(after=after)
                await enqueue_checksums(transaction, services.queue, args, PAUSE)
                return


async def _crc32_of(services: Services, row: StoredObjectRecord) -> int:
    crc32 = 0
    for start in range(0, row.file_size, _CHUNK):
        stop = min(start + _CHUNK, row.file_size)
        chunk = await services.store.read(row.key, start, stop)
        crc32 = await asyncio.to_thread(zlib.crc32, chunk, crc32)
    return crc32
