"""Processes are killed while studies are merged and anonymized: nothing is lost, doubled or half removed."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from gateway.media import samples
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.sieges import crashing_site, kill_and_restart
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.studies import see_study, start_job, study_uid, upload_dicom, wait_for_study_job
from tests.fixtures.uploading import count_items

MOMENTS = 20
FILES = 22
"""Instances of each study: one more than a few slices, so that kills hit them between commits, too."""


def files_of(number: int) -> list[bytes]:
    """Return the files of two studies, of one and of several instances."""
    sizes = {2 * number: 1, 2 * number + 1: FILES}
    return [samples.dicom_file(study, 1, n) for study, size in sizes.items() for n in range(1, size + 1)]


async def start_jobs(site: Site, clinic: str, research: str, number: int) -> list[str]:
    """Start to merge the second of two studies into the first, and to anonymize the second."""
    keys = [{"folderUuid": clinic, "studyUid": study_uid(2 * number + each)} for each in (0, 1)]
    merge = {"primary": keys[0], "secondaries": keys[1:], "deleteSecondaries": True}
    anonymize = {"studies": keys[1:], "targetFolderUuid": research, "allowBurnedIn": True}
    # The listing of the second job begins with the originals, which the first job deletes in the end.
    return [
        await start_job(site, "anonymizeDicomStudies", anonymize),
        await start_job(site, "mergeDicomStudies", merge),
    ]


async def check_jobs(site: Site, clinic: str, number: int, jobs: list[str]) -> int:
    """Assert that both jobs have done all of their work once, and return the number of anonymized instances."""
    anonymized, merged = [await wait_for_study_job(site, job) for job in jobs]
    assert (merged["outcome"], merged["unitsDoneCount"]) == ("SUCCEEDED", FILES), merged
    study = await see_study(site, clinic, study_uid(2 * number))
    assert study
    assert study["counts"] == {"series": 2, "instances": 1 + FILES, "superseded": 0, "attachments": 0}
    assert await see_study(site, clinic, study_uid(2 * number + 1)) is None
    # An original that was merged before it was anonymized is missing there, which its unit says.
    done = [unit for unit in anonymized["units"]["nodes"] if unit["status"] == "DONE"]
    assert {unit["copy"] is not None for unit in done} == {True}
    assert len({unit["sopInstanceUid"] for unit in done}) == len(done)
    return len(done)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_merges_and_anonymizations_survive_kills(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Killed once each, at 20 moments between the start and the end of undisturbed jobs."""
    moments = random.Random(13)
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            clinic, research = await site.folder("clinic"), await site.folder("research")
            await upload_dicom(site, clinic, [data for number in range(MOMENTS + 1) for data in files_of(number)])
            start = time.monotonic()
            copies = await check_jobs(site, clinic, 0, await start_jobs(site, clinic, research, 0))
            span = time.monotonic() - start
            for number in range(1, MOMENTS + 1):
                jobs = await start_jobs(site, clinic, research, number)
                await asyncio.sleep(moments.uniform(0, span / 2))
                kill_and_restart(victims)
                await wait_until_ready(site, server)
                copies += await check_jobs(site, clinic, number, jobs)
            assert await count_items(site, clinic) == (MOMENTS + 1) * (1 + FILES)
            assert await count_items(site, research) == copies
            await check_at_rest(site.services.settings)
