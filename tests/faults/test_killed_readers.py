"""Processes that read files are killed at random moments: each file is read in the end."""

import asyncio
import gzip
import os
import random
import signal

import pytest
import sqlalchemy as sa

from gateway.media import samples
from gateway.models.uploads import upload_units
from gateway.sandbox.prober import PROBE_CHILD
from gateway.tasks.worker import background_worker
from tests.fixtures.children import children_of
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import LISTS, File, send_files, start_upload_job, wait_for_job
from tests.samples import slow_to_read_nifti


async def read_under_kills(site: Site, files: int, kills: int, pause: float, variety: int = 1) -> None:
    """Upload good files, and kill the processes that read some of them so many times.

    One in `variety` takes long to read.
    """
    folder, chance = await site.folder("killed"), random.Random(files)
    data = [slow_to_read_nifti(), *(samples.nifti(seed=seed) for seed in range(6))][:variety]
    volumes = [
        File(f"{number}.nii.gz", "NIFTI", data[number % variety] + gzip.compress(b"", mtime=number))
        for number in range(files)
    ]
    uuids = await send_files(site, folder, volumes)
    job = await start_upload_job(site, folder, {LISTS["NIFTI"]: [{"placeholderUuid": uuid} for uuid in uuids]})
    killed = 0

    async def kill() -> None:
        nonlocal killed
        while killed < kills:
            await asyncio.sleep(chance.uniform(0, pause))
            readers = children_of(os.getpid(), PROBE_CHILD)
            for reader in readers:
                os.kill(reader, signal.SIGKILL)
            killed += len(readers)

    killing = asyncio.create_task(kill())
    async with background_worker(site.services):
        state = await wait_for_job(site, job, seconds=240)
        killing.cancel()
        await check_all(site.services)
    failed = sa.select(upload_units.c.error).where(upload_units.c.status != "DONE")
    assert [row.error for row in await site.services.database.rows(failed, sa.Row)] == []
    assert (state["status"], state["unitsDoneCount"]) == ("DONE", files)
    assert killed >= kills


@pytest.mark.long
async def test_no_good_file_fails(idle_site: Site) -> None:
    await read_under_kills(idle_site, files=12, kills=6, pause=1.5)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_no_good_file_of_many_fails(idle_site: Site) -> None:
    await read_under_kills(idle_site, files=540, kills=40, pause=2.0, variety=6)
