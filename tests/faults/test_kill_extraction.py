"""Processes are killed while they extract what DICOM files hold: all is in the end, and no bytes are left over."""

import asyncio
from pathlib import Path

import pytest

from gateway.media import samples
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.encapsulated import extracted_bytes, pdf_in_dicom
from tests.fixtures.items import upload_items
from tests.fixtures.sieges import crashing_site, kill_and_restart
from tests.fixtures.sites import fresh_settings
from tests.fixtures.uploading import File


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_files_are_extracted_after_a_kill(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Items that are deleted between kills leave nothing."""
    pdfs = [samples.pdf(1, number) + b"%" * (4 << 20) for number in range(12)]
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            folder = await site.folder("killed")
            files = [File(f"{number}.dcm", "DICOM_FILE", pdf_in_dicom(pdf, number)) for number, pdf in enumerate(pdfs)]
            uuids = await upload_items(site, folder, files)
            for pause in (0.0, 0.3, 0.6):
                await asyncio.sleep(pause)
                kill_and_restart(victims)
                await wait_until_ready(site, server)
                await site.done("deleteStorageItems", {"itemUuids": [uuids.pop()]}, "results { uuid }")
            for uuid, pdf in zip(uuids, pdfs, strict=False):
                assert await extracted_bytes(site, uuid, seconds=120) == pdf
            await check_at_rest(site.services.settings)
            await site.done("deleteStorageItems", {"itemUuids": uuids}, "results { uuid }")
            await check_at_rest(site.services.settings)
            assert [each.key async for each in site.services.store.objects()] == []
