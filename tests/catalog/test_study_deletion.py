"""Studies are deleted by jobs, as far as their users see them.

Shows AMB-STUDY-02, AMB-HTTP-09, AMB-HTTP-11, SUB-100 and SUB-110.
"""

from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.dicom_deletion import LACKS_ROLE, MOVED
from gateway.catalog.ledger.dicom_studies import lock_studies_of, refresh_studies
from gateway.media import samples
from gateway.models.dicom import dicom_studies, study_attachments
from gateway.tasks import delete_dicom
from gateway.tasks.worker import background_worker
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.studies import run_study_job, see_study, start_job, study_uid, upload_dicom, wait_for_study_job
from tests.fixtures.uploading import File, count_items, ingest, send_files, upload

UID = study_uid(1)


def instances(count: int, series: int = 1, study: int = 1, seed: int = 0) -> list[bytes]:
    """Return the files of a series."""
    return [samples.dicom_file(study, series, number + 1, seed) for number in range(count)]


async def attach(site: Site, folder: str, item: str) -> None:
    """Attach an item to the study."""
    async with site.services.database.writing() as transaction:
        study = await transaction.single(sa.select(dicom_studies).where(dicom_studies.c.study_uid == UID), sa.Row)
        await lock_studies_of(transaction, (), {study.uuid})
        row = {"item_uuid": UUID(item), "study_uuid": study.uuid}
        await transaction.execute(sa.insert(study_attachments), [row])
        await refresh_studies(transaction, [study.uuid])


async def report(site: Site, folder: str) -> str:
    """Upload a text, and return the UUID of its item."""
    job = await upload(site, folder, [File("report.txt", "PLAIN_TEXT", b"no finding")])
    return str(job["itemsWithNames"][0]["itemUuid"])


async def test_a_study_is_deleted_with_all_versions(site: Site) -> None:
    """Superseded versions do not come back; another study of the folder stays."""
    folder = await site.folder("clinic")
    below = await site.folder("below", folder)
    await upload_dicom(site, folder, [*instances(3), *instances(2, seed=1), *instances(1, study=2)])
    await upload_dicom(site, below, instances(2, series=2))
    state = await run_study_job(site, "deleteDicomStudy", {"folderUuid": folder, "studyUid": UID})
    expected = {"kind": "DICOM_DELETION", "status": "DONE", "outcome": "SUCCEEDED", "unitsDoneCount": 7}
    assert {name: state[name] for name in expected} == expected
    assert (state["studyUids"], state["phase"], state["unitsTotalCount"]) == ([UID], "REMOVING", 7)
    assert {unit["status"] for unit in state["units"]["nodes"]} == {"DONE"}
    assert await see_study(site, folder, UID) is None
    assert (await count_items(site, folder), await count_items(site, below)) == (1, 0)
    assert await see_study(site, folder, study_uid(2)) is not None
    await check_all(site.services)


async def test_attachments_are_deleted_unless_they_are_kept(site: Site) -> None:
    """SUB-110: a study with attachments is not gone, and can be deleted once more."""
    folder = await site.folder("clinic")
    await upload_dicom(site, folder, instances(2))
    await attach(site, folder, await report(site, folder))
    wanted = {"folderUuid": folder, "studyUid": UID}
    state = await run_study_job(site, "deleteDicomStudy", {**wanted, "keepAttachments": True})
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 2)
    study = await see_study(site, folder, UID)
    assert study
    assert study["counts"] == {"series": 0, "instances": 0, "superseded": 0, "attachments": 1}
    state = await run_study_job(site, "deleteDicomStudy", wanted)
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 1)
    assert await see_study(site, folder, UID) is None
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_parts_out_of_sight_stay(site: Site) -> None:
    """A role that is missing on a visible part forbids the deletion; a hidden part does not (AMB-ERR-02)."""
    top = await site.folder("clinic")
    mine, other = await site.folder("mine", top), await site.folder("other", top)
    for number, folder in enumerate((mine, other)):
        await upload_dicom(site, folder, instances(2, series=number))
    group = await site.group("team")
    who = await site.newcomer(group)
    wanted = {"folderUuid": mine, "studyUid": UID}
    assert await site.refused("deleteDicomStudy", wanted, who) == [("NOT_FOUND", "input.studyUid")]
    await site.grant(mine, group, "USER")
    assert await site.refused("deleteDicomStudy", wanted, who) == [("FORBIDDEN", "input.folderUuid")]
    await site.grant(mine, group, "ADMIN")
    await site.grant(other, group, "USER")
    assert await site.refused("deleteDicomStudy", wanted, who) == [("FORBIDDEN", "input.folderUuid")]
    await site.done("removeStorageFolderGroups", {"folderUuid": other, "groupUuids": [group]}, "folder { uuid }")
    job = await start_job(site, "deleteDicomStudy", wanted, who)
    state = await wait_for_study_job(site, job, who)
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 2)
    study = await see_study(site, top, UID)
    assert study
    assert study["counts"]["instances"] == 2
    assert (await count_items(site, mine), await count_items(site, other)) == (0, 2)
    stranger = await site.newcomer(group)
    assert await site.see("job", job, "uuid", stranger) is None


async def test_groups_and_datasets(site: Site) -> None:
    """A series goes with its members; what another group or a dataset uses stays and is reported."""
    folder = await site.folder("clinic")
    files = [File(f"{number}.dcm", "DICOM_FILE", data) for number, data in enumerate(instances(3))]
    sources = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, files)]
    await ingest(site, folder, {"dicomSeries": [{"title": "series", "dicomFiles": sources}]})
    [used] = await upload_dicom(site, folder, instances(1, series=2))
    dataset = (await site.done("createDataset", {"title": "set"}, "dataset { uuid }"))["dataset"]["uuid"]
    await site.done("linkItemsToDataset", {"datasetUuid": dataset, "itemUuids": [used]}, "dataset { uuid }")
    wanted = {"folderUuid": folder, "studyUid": UID}
    assert await site.refused("deleteDicomStudy", wanted) == [("CONFLICT", "input.studyUid")]
    [member] = await upload_dicom(site, folder, instances(1, series=3))
    grid = {"folderUuid": folder, "groups": [{"grid": {"layoutContents": [member]}}]}
    await site.done("createDataGroups", grid, "results { userErrors { code } }")
    state = await run_study_job(site, "deleteDicomStudy", {**wanted, "allowDatasetChanges": True})
    assert (state["outcome"], state["unitsDoneCount"], state["unitsErrorCount"]) == ("SUCCEEDED_WITH_ERRORS", 4, 1)
    [failed] = [unit for unit in state["units"]["nodes"] if unit["error"]]
    assert (failed["status"], failed["item"]) == ("ERROR", {"uuid": member})
    assert "belongs to a group" in failed["error"]
    assert await count_items(site, folder) == 2
    await check_all(site.services)


async def test_a_deletion_is_started_once_and_can_be_cancelled(
    idle_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AMB-HTTP-09: the key of the client names the job; what is deleted by then stays so."""
    site, folder = idle_site, await idle_site.folder("clinic")
    async with background_worker(site.services):
        await upload_dicom(site, folder, instances(5))
    wanted = {"folderUuid": folder, "studyUid": UID, "idempotencyKey": "once"}
    job = await start_job(site, "deleteDicomStudy", wanted)
    assert await start_job(site, "deleteDicomStudy", wanted) == job
    monkeypatch.setattr(delete_dicom, "LISTED", 3)
    monkeypatch.setattr(delete_dicom, "DELETED", 2)
    for _ in range(4):  # two or three of which list the units
        assert await delete_dicom.take_step(site.services, UUID(job)) is False
    await site.done("cancelJob", {"jobUuid": job}, "job { uuid }")
    state = await wait_for_study_job(site, job)
    done = state["unitsDoneCount"]
    assert done in (2, 4)
    assert (state["outcome"], state["unitsCancelledCount"], state["unitsPendingCount"]) == ("CANCELLED", 5 - done, 0)
    assert [unit["status"] for unit in state["units"]["nodes"]] == ["DONE"] * done + ["CANCELLED"] * (5 - done)
    assert await delete_dicom.take_step(site.services, UUID(job)) is True
    study = await see_study(site, folder, UID)
    assert study
    assert study["counts"]["instances"] == 5 - done


async def test_a_deletion_acts_with_the_roles_that_its_user_has_now(idle_site: Site) -> None:
    """An item that was moved away, or in a folder where the role is gone, stays and is reported."""
    site, top = idle_site, await idle_site.folder("clinic")
    mine, other, away = [await site.folder(name, top) for name in ("mine", "other", "away")]
    who, group, second = await site.newcomer(), await site.group("team"), await site.group("more")
    user = (await site.ask("{ viewer { user { uuid } } }", None, who))["viewer"]["user"]["uuid"]
    for each, folder in ((group, mine), (second, other), (group, away)):
        await site.grant(folder, each, "ADMIN")
    for each in (group, second):
        await site.done("addGroupUsers", {"groupUuid": each, "userUuids": [user]}, "group { uuid }")
    async with background_worker(site.services):
        moved, _ = await upload_dicom(site, mine, instances(2))
        await upload_dicom(site, other, instances(2, series=2))
    job = await start_job(site, "deleteDicomStudy", {"folderUuid": mine, "studyUid": UID}, who)
    await delete_dicom.take_step(site.services, UUID(job))
    await site.done("moveStorageItems", {"itemUuids": [moved], "newParentUuid": away}, "folder { uuid }")
    await site.done("removeStorageFolderGroups", {"folderUuid": other, "groupUuids": [second]}, "folder { uuid }")
    async with background_worker(site.services):
        state = await wait_for_study_job(site, job, who)
    assert (state["outcome"], state["unitsDoneCount"], state["unitsErrorCount"]) == ("SUCCEEDED_WITH_ERRORS", 1, 3)
    errors = sorted(unit["error"] for unit in state["units"]["nodes"] if unit["error"])
    assert errors == [MOVED, LACKS_ROLE, LACKS_ROLE]
    study = await see_study(site, top, UID)
    assert study
    assert study["counts"]["instances"] == 3


async def test_a_deletion_of_a_deactivated_user_is_cancelled(idle_site: Site) -> None:
    site, folder = idle_site, await idle_site.folder("clinic")
    group = await site.group("team")
    who = await site.newcomer(group)
    await site.grant(folder, group, "ADMIN")
    async with background_worker(site.services):
        await upload_dicom(site, folder, instances(2))
    job = await start_job(site, "deleteDicomStudy", {"folderUuid": folder, "studyUid": UID}, who)
    user = (await site.ask("{ viewer { user { uuid } } }", None, who))["viewer"]["user"]["uuid"]
    await site.done("updateUser", {"userUuid": user, "isActive": False}, "user { uuid }")
    assert await delete_dicom.take_step(site.services, UUID(job)) is True
    state = await wait_for_study_job(site, job)
    assert (state["outcome"], state["error"]) == ("CANCELLED", delete_dicom.NO_STARTER)


async def test_a_study_that_nobody_sees(site: Site) -> None:
    """AMB-ERR-03, AMB-ERR-18."""
    folder = await site.folder("clinic")
    for wanted in ({"folderUuid": folder, "studyUid": UID}, {"folderUuid": UNKNOWN, "studyUid": UID}):
        assert await site.refused("deleteDicomStudy", wanted) == [("NOT_FOUND", "input.studyUid")]
    for uid in ("", "1.2.x", "1" * 65):
        wanted = {"folderUuid": folder, "studyUid": uid}
        assert await site.refused("deleteDicomStudy", wanted) == [("BAD_USER_INPUT", "input.studyUid")]
