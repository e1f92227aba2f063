"""Large folder trees are deleted while others work, and after kills."""

import asyncio
import sys
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import pytest
import sqlalchemy as sa

from gateway.catalog.api_keys import create_key
from gateway.catalog.folders import create_folder, move_folder
from gateway.database.engine import Database
from gateway.generate.fill import generate
from gateway.kinds.enums import SiteRole
from gateway.models.changes import ChangeRecord, changes
from gateway.models.folders import FolderRecord, folders
from gateway.models.people import UserRecord, users
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.deletions import delete_folder, large_tree, wait_until_removed
from tests.fixtures.invariants import check_all
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.house.sources import ROOT
from tests.speed.usage import memory

ITEMS, FOLDERS = 200_000, 420
MEGABYTE = 1 << 20
PAGE = (ROOT / "tests" / "queries" / "folder_page.graphql").read_text()


async def count_deletions(site: Site) -> int:
    """Return the number of journal entries about deletions of items."""
    entries = sa.select(changes.c.uuid).where(changes.c.action == "DELETE", changes.c.object_type == "StorageItem")
    return len(await site.services.database.rows(entries, ChangeRecord))


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_deletion_goes_on_after_kills(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each item has one journal entry in the end, and nothing is left."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            top, uuids = await large_tree(site, await site.folder("above"), 10, 300)
            job = await delete_folder(site, top)
            for least in (200, 1_200):
                await wait_for_count(count_deletions, site, least)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            await wait_until_removed(site, seconds=120)
            await site.wait_while("PENDING", "job", job)
            assert await count_deletions(site) == len(uuids)
            await check_all(site.services)


async def prepare(url: str) -> tuple[str, str, str]:
    """Generate a site; return the key of an admin, the top of most folders, and a folder beside it."""
    database = Database(url)
    try:
        await generate(database, FOLDERS, ITEMS, 7)
        async with database.writing() as transaction:
            admin = await transaction.single(sa.select(users).order_by(users.c.uuid).limit(1), UserRecord)
            await transaction.execute(
                sa.update(users).where(users.c.uuid == admin.uuid).values(site_role=SiteRole.ADMIN)
            )
            top = await create_folder(transaction, admin.uuid, "everything")
            roots = await transaction.rows(
                sa.select(folders).where(folders.c.parent_uuid.is_(None), folders.c.uuid != top), FolderRecord
            )
            for root in roots[1:]:
                await move_folder(transaction, admin.uuid, root.uuid, top)
        key = await create_key(database, admin.email, "test")
        return key, str(top), str(roots[0].uuid)
    finally:
        await database.close()


async def watch(site: Site, folder: str, seconds: float) -> list[float]:
    """Read the page of a folder again and again, and return how long each answer took."""
    end, times = perf_counter() + seconds, []
    while (start := perf_counter()) < end:
        await site.ask(PAGE, {"folder": folder})
        times.append(perf_counter() - start)
        await asyncio.sleep(0.01)
    return times


def p95(times: list[float]) -> float:
    """Return the 95th percentile in milliseconds."""
    return quantiles(times, n=20)[-1] * 1000


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_very_large_deletion(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It is answered at once and costs little memory, and pages of other folders stay fast meanwhile."""
    with fresh_settings(backend, request, tmp_path) as settings:
        key, top, other = await prepare(settings.database_url)
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            site.keys["admin"] = key
            await watch(site, other, 2)
            idle = p95(await watch(site, other, 10))
            processes = {server.pid, *(victim.pid for victim in victims)}
            before = sum(map(memory, processes))
            start = perf_counter()
            job = await delete_folder(site, top, allowDatasetChanges=True, allowMirrorDatasetChanges=True)
            answer = (perf_counter() - start) * 1000
            busy = p95(await watch(site, other, 20))
            state = await site.see("job", job, "status unitsDoneCount unitsTotalCount")
            grown = (sum(map(memory, processes)) - before) / MEGABYTE
            print(f"{backend}: answered in {answer:.0f} ms, {grown:.0f} MB more memory", file=sys.stderr)
            print(f"p95 of a page: {idle:.1f} ms idle, {busy:.1f} ms meanwhile; {state}", file=sys.stderr)
            assert state["status"] == "PENDING"
            assert state["unitsDoneCount"] > 1_000
            assert answer < 2_000
            assert grown < 100
            assert busy < 4 * idle
