"""Several upload jobs at once bring files into one study."""

import asyncio

import sqlalchemy as sa

from gateway.media import samples
from gateway.models.dicom import dicom_series, dicom_studies, dicom_study_places
from tests.fixtures.sites import Site
from tests.fixtures.studies import see_study, study_uid, upload_dicom

JOBS, FILES = 8, 10


async def test_eight_jobs_form_one_study(site: Site) -> None:
    """There is one study with a row for each series in each folder, and its counts are exact."""
    root = await site.folder("hospital")
    folders = [root, await site.folder("other", root)]

    async def run(job: int) -> None:
        numbers = range(job * FILES, (job + 1) * FILES)
        files = [samples.dicom_file(series=number % 2, instance_number=number) for number in numbers]
        await upload_dicom(site, folders[job % 2], files)

    await asyncio.gather(*map(run, range(JOBS)))
    database = site.services.database
    assert len(await database.rows(sa.select(dicom_studies), sa.Row)) == 1
    series = await database.rows(sa.select(dicom_series), sa.Row)
    assert {(row.series_uid, row.folder_uuid): row.instances for row in series} == {
        (uid, folder): JOBS * FILES // 4
        for uid in {row.series_uid for row in series}
        for folder in {row.folder_uuid for row in series}
    }
    assert len(series) == 4
    assert len(await database.rows(sa.select(dicom_study_places), sa.Row)) == 2
    study = await see_study(site, root, study_uid(1))
    assert study
    assert study["counts"] == {"series": 4, "instances": JOBS * FILES, "superseded": 0, "attachments": 0}
