"""Trees are copied to the end after kills, and nothing twice."""

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.models.items import ItemRecord, items
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.deletions import large_tree
from tests.fixtures.invariants import check_all
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings

ITEMS, FOLDERS = 600, 12


async def count_copies(site: Site) -> int:
    """Return the number of items that are copies."""
    return len(await originals(site))


async def originals(site: Site) -> list[UUID]:
    """Return the items that copies were made of."""
    made = sa.select(items.c.copy_of_uuid).where(items.c.copy_of_uuid.is_not(None))
    rows = await site.services.database.rows(made, ItemRecord)
    return [row.copy_of_uuid for row in rows if row.copy_of_uuid]


@pytest.mark.long
@pytest.mark.timeout(500)
async def test_a_copy_goes_on_after_kills(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each folder and each item has one copy in the end, whenever processes were killed."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            top, uuids = await large_tree(site, await site.folder("above"), FOLDERS, ITEMS)
            given = {"folderUuid": top, "targetFolderUuid": await site.folder("target")}
            started = await site.done("copyStorageFolder", given, "folder { uuid } job { uuid }")
            for least in (1, 500, 1_500, 3_000, 5_000):
                await wait_for_count(count_copies, site, least)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            await site.wait_while("PENDING", "job", started["job"]["uuid"], seconds=240)
            assert Counter(map(str, await originals(site))) == Counter(uuids)
            seen = await site.see("job", started["job"]["uuid"], "outcome unitsDoneCount attempt")
            assert (seen["outcome"], seen["unitsDoneCount"]) == ("SUCCEEDED", FOLDERS + len(uuids))
            assert seen["attempt"] > 1
            await check_all(site.services)
