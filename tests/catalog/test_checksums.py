"""CRC-32 of stored objects: kept when files are read, and filled in for older ones."""

import asyncio
import hashlib
import zlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.models.items import stored_objects
from gateway.tasks import fill_checksums
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, run_sweep

FILES = [File(f"{number}.bin", "FILE", f"file {number}".encode() * 100) for number in range(5)]
KNOWN = sorted(zlib.crc32(file.data) for file in FILES)


async def checksums(site: Site) -> list[int]:
    """Return the known checksums of all objects."""
    known = sa.select(stored_objects.c.crc32).where(stored_objects.c.crc32.is_not(None))
    return sorted(row.crc32 for row in await site.services.database.rows(known, sa.Row))


async def forget(site: Site) -> None:
    """Make all objects look as if they had been stored before checksums were kept."""
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.update(stored_objects).values(crc32=None))


async def test_checksums_are_kept_and_filled_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep notices that some are missing, and each run of the task enqueues the next."""
    await upload_items(site, await site.folder("kept"), FILES)
    assert await checksums(site) == KNOWN
    monkeypatch.setattr(fill_checksums, "SLICE_SECONDS", -1.0)
    monkeypatch.setattr(fill_checksums, "PAUSE", timedelta())
    await forget(site)
    await run_sweep(site)
    async with asyncio.timeout(30):
        while await checksums(site) != KNOWN:
            await asyncio.sleep(0.05)


async def test_objects_that_are_missing_are_passed_over(site: Site) -> None:
    await upload_items(site, await site.folder("lost"), FILES)
    rows = await site.services.database.rows(sa.select(stored_objects).order_by(stored_objects.c.key), sa.Row)
    await site.services.store.delete([rows[0].key])
    await forget(site)
    await fill_checksums.fill_checksums(site.services)
    assert await checksums(site) == sorted(set(KNOWN) - {zlib.crc32(data_of(rows[0].sha256))})


def data_of(sha256: str) -> bytes:
    """Return the bytes with a digest."""
    return next(file.data for file in FILES if hashlib.sha256(file.data).hexdigest() == sha256)
