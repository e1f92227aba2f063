"""Processes are killed while they re-encode: each video is done once, and no bytes are left over."""

import asyncio
from pathlib import Path

import pytest

from gateway.media import samples
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.films import encode_film
from tests.fixtures.items import upload_items
from tests.fixtures.reencoding import reencoding_state, start_reencoding
from tests.fixtures.sieges import crashing_site, kill_and_restart
from tests.fixtures.sites import fresh_settings
from tests.fixtures.uploading import File, count_items, item_facts, send_files, start_upload_job, wait_for_job


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_reencoding_restarts_after_a_kill(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """In the middle of a video, and then again; progress never goes back."""
    long = encode_film([number / 25 for number in range(500)])
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            films = [File("a.mp4", "VIDEO", long), File("b.webm", "VIDEO", samples.webm())]
            videos = await upload_items(site, await site.folder("killed"), films)
            job, reached = await start_reencoding(site, videos, force=True), 0.0
            for _ in range(2):
                async with asyncio.timeout(60):
                    while (now := await reencoding_state(site, job))["progress"] <= reached and now[
                        "status"
                    ] == "PENDING":
                        await asyncio.sleep(0.02)
                reached = now["progress"]
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            async with asyncio.timeout(120):
                while (now := await reencoding_state(site, job))["status"] == "PENDING":
                    assert now["progress"] >= reached
                    reached = now["progress"]
                    await asyncio.sleep(0.1)
            assert (now["status"], now["progress"]) == ("DONE", 1.0)
            assert [unit["status"] for unit in now["units"]["nodes"]] == ["REENCODED", "REENCODED"]
            assert all(unit["item"]["rendition"]["fileSize"] for unit in now["units"]["nodes"])
            await check_at_rest(site.services.settings)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_encoding_of_a_sequence_restarts_after_a_kill(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Its frames exist once, its video has all of them, and no bytes are left over."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            folder = await site.folder("filmed")
            files = [File(f"{number}.png", "IMAGE", samples.png(640, 480, number)) for number in range(60)]
            frames = await send_files(site, folder, files)
            entry = {"images": [{"placeholderUuid": uuid} for uuid in frames], "createVideo": True}
            job = await start_upload_job(site, folder, {"imageGroups": [entry]})
            for seconds in (0.5, 1.5):
                await asyncio.sleep(seconds)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
            state = await wait_for_job(site, job, seconds=120)
            assert (state["status"], state["unitsDoneCount"]) == ("DONE", 1)
            item = await item_facts(site, state["itemsWithNames"][0]["itemUuid"])
            assert (item["itemType"], item["frameCount"]) == ("IMAGE_SEQUENCE", 60)
            assert await count_items(site, folder) == 61
            await check_at_rest(site.services.settings)
