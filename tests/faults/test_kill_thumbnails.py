"""Processes are killed while they make thumbnails: all are made in the end, and no bytes are left over."""

import asyncio
from pathlib import Path

import pytest

from gateway.media import samples
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.items import upload_items
from tests.fixtures.sieges import crashing_site, kill_and_restart
from tests.fixtures.sites import fresh_settings
from tests.fixtures.thumbnails import stored_thumbnails, thumbnail
from tests.fixtures.uploading import File


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_thumbnails_are_made_after_a_kill(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """When the items are deleted, nothing is left."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            folder = await site.folder("killed")
            files = [File(f"{number}.png", "IMAGE", samples.png(1600, 1200, number)) for number in range(12)]
            uuids = await upload_items(site, folder, files)
            for _ in range(2):
                await asyncio.sleep(0.7)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            for uuid in uuids:
                assert isinstance(await thumbnail(site, uuid, "LARGE", seconds=120), dict)
            assert await stored_thumbnails(site) == len(files)
            await check_at_rest(site.services.settings)
            await site.done("deleteStorageItems", {"itemUuids": uuids}, "results { uuid }")
            await check_at_rest(site.services.settings)
            assert [each.key async for each in site.services.store.objects()] == []
