"""Jobs that copy studies while files are missing, jobs are cancelled, and others change the studies."""

import io
from typing import Any
from uuid import UUID

import pydicom
import pytest
import sqlalchemy as sa

from gateway.catalog.dicom_copies import NO_TARGET, SOURCES_KEPT
from gateway.media import samples
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord, jobs
from gateway.tasks import copy_dicom
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import delete_folder
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.studies import run_study_job, see_study, start_job, study_uid, upload_dicom, wait_for_study_job
from tests.fixtures.uploading import count_items

UID = study_uid(1)


def split(folder: str, target: str) -> dict[str, Any]:
    """Return the input of a split whose originals are deleted."""
    return {"folderUuid": folder, "studyUid": UID, "targetFolderUuid": target, "deleteFromSource": True}


async def test_originals_stay_if_one_of_them_cannot_be_copied(site: Site) -> None:
    """The job says so; the others are copied."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    uuids = await upload_dicom(site, folder, [samples.dicom_file(1, 1, number) for number in (1, 2, 3)])
    lost = sa.select(items.c.object_key).where(items.c.uuid == UUID(uuids[1]))
    [row] = await site.services.database.rows(lost, ItemRecord)
    await site.services.store.delete([row.object_key or ""])
    state = await run_study_job(site, "splitDicomStudy", split(folder, target))
    assert (state["outcome"], state["unitsDoneCount"], state["unitsErrorCount"]) == ("SUCCEEDED_WITH_ERRORS", 2, 1)
    [failed] = [unit for unit in state["units"]["nodes"] if unit["error"]]
    assert (failed["error"], failed["item"], failed["copy"]) == (copy_dicom.MISSING, {"uuid": uuids[1]}, None)
    assert state["error"] == f"{SOURCES_KEPT} {copy_dicom.MISSING}"
    assert (await count_items(site, folder), await count_items(site, target)) == (3, 2)


async def test_a_job_goes_on_in_small_steps(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step and each task does little, so that every boundary between them is met."""
    for name, value in (("LISTED", 2), ("COPIED", 2), ("DELETED", 1), ("STEPS_PER_TASK", 1)):
        monkeypatch.setattr(copy_dicom, name, value)
    folder, target = await site.folder("clinic"), await site.folder("research")
    await upload_dicom(site, folder, [samples.dicom_file(1, series, number) for series in (1, 2) for number in (1, 2)])
    state = await run_study_job(site, "splitDicomStudy", split(folder, target))
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 4)
    study = await see_study(site, target, state["studyUids"][0])
    assert study
    assert study["counts"] == {"series": 2, "instances": 4, "superseded": 0, "attachments": 0}
    assert (await count_items(site, folder), await count_items(site, target)) == (0, 4)
    await check_all(site.services)


@pytest.mark.parametrize("ends", ["cancelled", "target deleted"])
async def test_nothing_is_deleted_by_a_job_that_ends_early(idle_site: Site, ends: str) -> None:
    """Neither after it was cancelled nor without its target folder; its secret is forgotten."""
    site, folder, target = idle_site, await idle_site.folder("clinic"), await idle_site.folder("research")
    async with background_worker(site.services):
        await upload_dicom(site, folder, [samples.dicom_file(1, 1, number) for number in (1, 2)])
    job = await start_job(site, "splitDicomStudy", split(folder, target))
    if ends == "cancelled":
        await site.done("cancelJob", {"jobUuid": job}, "job { uuid }")
    else:
        await delete_folder(site, target)
    async with background_worker(site.services):
        state = await wait_for_study_job(site, job)
    expected = None if ends == "cancelled" else NO_TARGET
    assert (state["outcome"], state["error"], state["unitsDoneCount"]) == ("CANCELLED", expected, 0)
    assert await count_items(site, folder) == 2
    rows = await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == UUID(job)), JobRecord)
    assert (rows[0].dicom_spec or {})["secret"] is None


async def test_a_version_that_arrives_late_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not copied, so that only the version that was is deleted."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    original = samples.dicom_file(1, 1, 1)
    changed = pydicom.dcmread(io.BytesIO(original))
    changed.PatientComments = "late"
    [first] = await upload_dicom(site, folder, [original])
    late: list[str] = []
    make_copies = copy_dicom._make_copies

    async def copy_then_upload(*args: Any) -> Any:
        copies = await make_copies(*args)
        late.extend(await upload_dicom(site, folder, [samples.dicom_bytes(changed)]))
        return copies

    monkeypatch.setattr(copy_dicom, "_make_copies", copy_then_upload)
    state = await run_study_job(site, "splitDicomStudy", split(folder, target))
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 1)
    study = await see_study(site, folder, UID)
    assert study
    assert [each["item"]["uuid"] for each in study["instances"]["nodes"]] == late
    assert first not in late
    assert await count_items(site, folder) == 1
    await check_all(site.services)


async def test_originals_that_datasets_use(site: Site) -> None:
    """They are refused at first, and deleted with the switch of `deleteStorageItems`."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    uuids = await upload_dicom(site, folder, [samples.dicom_file(1, 1, 1)])
    dataset = (await site.done("createDataset", {"title": "set"}, "dataset { uuid }"))["dataset"]["uuid"]
    await site.done("linkItemsToDataset", {"datasetUuid": dataset, "itemUuids": uuids}, "dataset { uuid }")
    given = split(folder, target)
    assert await site.refused("splitDicomStudy", given) == [("CONFLICT", "input.studyUid")]
    state = await run_study_job(site, "splitDicomStudy", {**given, "allowDatasetChanges": True})
    assert (state["outcome"], await count_items(site, folder)) == ("SUCCEEDED", 0)
    await check_all(site.services)
