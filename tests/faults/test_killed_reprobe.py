"""Processes are killed while files are read again: each item is done, and edited once."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.media import samples
from gateway.models.changes import ChangeRecord, changes
from gateway.models.items import ItemRecord, items
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.items import upload_items
from tests.fixtures.reprobing import make_older, run_reprobe, wait_until_current
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File


async def count_current(site: Site) -> int:
    """Return the number of items that have been read again."""
    done = sa.select(items.c.uuid).where(items.c.probe_version.is_not(None))
    return len(await site.services.database.rows(done, ItemRecord))


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_reprobing_continues_after_a_kill(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Killed twice, in the middle of a page; the facts are right in the end, and none was edited twice."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            files = [File(f"{seed}.png", "IMAGE", samples.png(640, 480, seed)) for seed in range(90)]
            uuids = await upload_items(site, await site.folder("killed"), files)
            await make_older(site, *uuids, width=1)
            await run_reprobe(site, tmp_path)
            for least in (5, 45):
                await wait_for_count(count_current, site, least)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            await wait_until_current(site, *uuids, seconds=120)
            rows = await site.services.database.rows(sa.select(items.c.width, items.c.height), ItemRecord)
            assert {(row.width, row.height) for row in rows} == {(640, 480)}
            edits = sa.select(changes.c.object_uuid).where(changes.c.action == "UPDATE")
            edited = [row.object_uuid for row in await site.services.database.rows(edits, ChangeRecord)]
            assert sorted(map(str, edited)) == sorted(uuids)
            await check_at_rest(site.services.settings)
