"""Studies are split, merged and cloned by jobs, from files with references among each other.

Shows AMB-STUDY-24, AMB-STUDY-25, AMB-STUDY-30, AMB-HTTP-11, SUB-097, SUB-100 and SUB-111.
"""

import io
from typing import Any

import pydicom
import pytest

from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.studies import (
    download,
    report_of,
    run_study_job,
    see_study,
    series_uid,
    study_uid,
    upload_dicom,
)
from tests.fixtures.uploading import count_items

UID = study_uid(1)


def read(data: bytes) -> pydicom.FileDataset:
    """Return a file as pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(data))


async def copies_of(site: Site, folder: str, uid: str) -> list[pydicom.FileDataset]:
    """Return the files of a study, by instance number."""
    study = await see_study(site, folder, uid)
    assert study, uid
    files = [await download(site, each["item"]["uuid"]) for each in study["instances"]["nodes"]]
    for file, each in zip(map(read, files), study["instances"]["nodes"], strict=True):
        assert each["item"]["name"] == file.SOPInstanceUID == file.file_meta.MediaStorageSOPInstanceUID
    return sorted(map(read, files), key=lambda file: (file.SeriesInstanceUID, file.InstanceNumber))


async def test_a_clone_has_new_uids_and_references_lead_to_the_copies(site: Site) -> None:
    """AMB-STUDY-30: at every depth, in a report, too; pixels and all else are as they were."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    images = [samples.dicom_file(1, 1, number) for number in (1, 2)]
    report = report_of(images)
    await upload_dicom(site, folder, [*images, report])
    state = await run_study_job(
        site, "cloneDicomStudy", {"folderUuid": folder, "studyUid": UID, "targetFolderUuid": target}
    )
    assert (state["outcome"], state["unitsDoneCount"], state["operation"]) == ("SUCCEEDED", 3, "CLONE")
    assert state["targetFolder"] == {"uuid": target}
    [uid] = state["studyUids"]
    assert uid != UID
    copies = await copies_of(site, target, uid)
    originals = {file.InstanceNumber: file for file in map(read, images)}
    [text] = [file for file in copies if file.Modality == "SR"]
    pictures = {file.InstanceNumber: file for file in copies if file.Modality != "SR"}
    for number, original in originals.items():
        copy = pictures[number]
        assert copy.PixelData == original.PixelData
        assert copy.SOPInstanceUID != original.SOPInstanceUID
        changed = {element.keyword for element in copy if element != original[element.tag]}
        assert changed == {"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"}
    [evidence] = text.CurrentRequestedProcedureEvidenceSequence
    [series] = evidence.ReferencedSeriesSequence
    assert (evidence.StudyInstanceUID, series.SeriesInstanceUID) == (uid, pictures[1].SeriesInstanceUID)
    referenced = [each.ReferencedSOPInstanceUID for each in series.ReferencedSOPSequence]
    assert referenced == [pictures[number].SOPInstanceUID for number in (1, 2)]
    [content] = text.ContentSequence
    assert content.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == pictures[1].SOPInstanceUID
    assert {file.StudyInstanceUID for file in copies} == {uid}
    # The originals are as they were.
    assert {file.SOPInstanceUID for file in await copies_as_they_are(site, folder)} == {
        file.SOPInstanceUID for file in (*originals.values(), read(report))
    }
    await check_all(site.services)


async def copies_as_they_are(site: Site, folder: str) -> list[pydicom.FileDataset]:
    """Return the files of the study that was copied."""
    study = await see_study(site, folder, UID)
    assert study
    return [read(await download(site, each["item"]["uuid"])) for each in study["instances"]["nodes"]]


@pytest.mark.parametrize("keeps", ["newSeriesUids", "newInstanceUids"])
async def test_a_clone_can_keep_uids(site: Site, keeps: str) -> None:
    """SUB-111: both are plain Booleans."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    image = samples.dicom_file(1, 1, 1)
    await upload_dicom(site, folder, [image])
    given = {"folderUuid": folder, "studyUid": UID, "targetFolderUuid": target, keeps: False}
    state = await run_study_job(site, "cloneDicomStudy", given)
    [copy], original = await copies_of(site, target, state["studyUids"][0]), read(image)
    assert (copy.SeriesInstanceUID == original.SeriesInstanceUID) is (keeps == "newSeriesUids")
    assert (copy.SOPInstanceUID == original.SOPInstanceUID) is (keeps == "newInstanceUids")


async def test_a_split_moves_series_to_a_new_study(site: Site) -> None:
    """AMB-STUDY-24: with `deleteFromSource`, originals go in all versions; other series stay."""
    folder, target = await site.folder("clinic"), await site.folder("research")
    await upload_dicom(site, folder, [samples.dicom_file(1, 1, number, seed) for number in (1, 2) for seed in (0, 0)])
    same = read(samples.dicom_file(1, 1, 1))
    same.PatientComments = "a later version"
    await upload_dicom(site, folder, [samples.dicom_bytes(same), samples.dicom_file(1, 2, 1)])
    given = {"folderUuid": folder, "studyUid": UID, "targetFolderUuid": target, "seriesUids": [series_uid(1, 1)]}
    state = await run_study_job(site, "splitDicomStudy", given)
    assert (state["outcome"], state["unitsDoneCount"], state["phase"]) == ("SUCCEEDED", 2, "COPYING")
    state = await run_study_job(site, "splitDicomStudy", {**given, "deleteFromSource": True})
    assert (state["outcome"], state["unitsDoneCount"], state["phase"]) == ("SUCCEEDED", 2, "REMOVING")
    copies = await copies_of(site, target, state["studyUids"][0])
    assert [file.get("PatientComments") for file in copies] == ["a later version", None]
    rest = await see_study(site, folder, UID)
    assert rest
    assert rest["counts"] == {"series": 1, "instances": 1, "superseded": 0, "attachments": 0}
    assert (await count_items(site, folder), await count_items(site, target)) == (1, 4)
    await check_all(site.services)


async def test_a_merge_takes_patient_and_study_of_the_primary(site: Site) -> None:
    """AMB-STUDY-25, SUB-097: an instance on both sides gets a new UID; sources go once all are copied."""
    folder, other = await site.folder("clinic"), await site.folder("archive")
    first, second = read(samples.dicom_file(1, 1, 1)), read(samples.dicom_file(2, 1, 1))
    first.PatientName, first.StudyDescription, first.AccessionNumber = "Prime^Ann", "Chest", "A1"
    first.OtherPatientIDsSequence = [pydicom.Dataset()]
    first.OtherPatientIDsSequence[0].PatientID = "other"
    second.PatientName, second.PatientAge, second.StudyID = "Second^Ben", "040Y", "7"
    both = read(samples.dicom_file(2, 2, 5))
    both.SOPInstanceUID = both.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    await upload_dicom(site, folder, [samples.dicom_bytes(first)])
    await upload_dicom(site, other, [samples.dicom_bytes(second), samples.dicom_bytes(both)])
    given = {
        "primary": {"folderUuid": folder, "studyUid": UID},
        "secondaries": [{"folderUuid": other, "studyUid": study_uid(2)}],
        "newInstanceUids": False,
        "deleteSecondaries": True,
    }
    state = await run_study_job(site, "mergeDicomStudies", given)
    assert (state["outcome"], state["studyUids"], state["unitsDoneCount"]) == ("SUCCEEDED", [UID], 2)
    study = await see_study(site, folder, UID)
    assert study
    assert study["counts"] == {"series": 3, "instances": 3, "superseded": 0, "attachments": 0}
    files = await merged_files(site, study)
    assert second.SOPInstanceUID in files
    assert len(files) == 3
    for file in files.values():
        assert (file.PatientID, str(file.PatientName), file.StudyDescription) == (first.PatientID, "Prime^Ann", "Chest")
        assert (file.AccessionNumber, file.OtherPatientIDsSequence[0].PatientID) == ("A1", "other")
        assert not {"PatientAge", "StudyID"} & set(file.dir())
    assert files[second.SOPInstanceUID].PixelData == second.PixelData
    assert await see_study(site, other, study_uid(2)) is None
    assert await count_items(site, other) == 0
    await check_all(site.services)


async def merged_files(site: Site, study: dict[str, Any]) -> dict[str, pydicom.FileDataset]:
    """Return the files of a study by SOP instance UID."""
    files = [read(await download(site, each["item"]["uuid"])) for each in study["instances"]["nodes"]]
    return {file.SOPInstanceUID: file for file in files}


async def test_two_patients_under_one_uid_can_be_merged(site: Site) -> None:
    """The UIDs of series and instances stay, as that of the study does."""
    folder = await site.folder("clinic")
    first, second = read(samples.dicom_file(1, 1, 1)), read(samples.dicom_file(1, 1, 2))
    second.PatientID = "misspelt"
    await upload_dicom(site, folder, [samples.dicom_bytes(first), samples.dicom_bytes(second)])
    keys = [{"folderUuid": folder, "studyUid": UID, "patientId": patient} for patient in (first.PatientID, "misspelt")]
    assert await site.refused("mergeDicomStudies", {"primary": keys[0], "secondaries": [keys[0]]}) == [
        ("BAD_USER_INPUT", "input.secondaries.0")
    ]
    given = {"primary": keys[0], "secondaries": [keys[1]], "deleteSecondaries": True}
    state = await run_study_job(site, "mergeDicomStudies", given)
    assert state["outcome"] == "SUCCEEDED"
    study = await see_study(site, folder, UID)
    assert study
    assert study["counts"] == {"series": 1, "instances": 2, "superseded": 0, "attachments": 0}
    assert set(await merged_files(site, study)) == {first.SOPInstanceUID, second.SOPInstanceUID}


async def test_studies_are_not_published_by_accident(site: Site) -> None:
    """Copies of what is not public go into a public folder with `allowPublic` only, anonymized ones as well."""
    folder, target, other = [await site.folder(name) for name in ("ward", "journal", "second journal")]
    await upload_dicom(site, folder, [samples.dicom_file(1, 1, 1)])
    for public in (target, other):
        given = {"folderUuid": public, "visibility": "PUBLIC"}
        await site.done("setStorageFolderVisibility", given, "folder { uuid }")
    key = {"folderUuid": folder, "studyUid": UID}
    copied: list[tuple[str, dict[str, Any]]] = [
        ("cloneDicomStudy", {**key, "targetFolderUuid": target}),
        ("splitDicomStudy", {**key, "targetFolderUuid": target}),
        ("anonymizeDicomStudies", {"studies": [key], "targetFolderUuid": target}),
        ("anonymizeDicomStudies", {"studies": [key], "targetFolderUuid": target, "dryRun": True}),
    ]
    for mutation, values in copied:
        assert await site.refused(mutation, values) == [("CONFLICT", "input.targetFolderUuid")], mutation
    assert await count_items(site, target) == 0
    for mutation, values in reversed(copied[:3]):
        state = await run_study_job(site, mutation, {**values, "allowPublic": True})
        assert state["outcome"] == "SUCCEEDED"
    public_key = {"folderUuid": target, "studyUid": state["studyUids"][0]}
    merge = {"primary": public_key, "secondaries": [key]}
    assert await site.refused("mergeDicomStudies", merge) == [("CONFLICT", "input.primary.folderUuid")]
    state = await run_study_job(site, "mergeDicomStudies", {**merge, "allowPublic": True})
    assert state["outcome"] == "SUCCEEDED"
    state = await run_study_job(site, "cloneDicomStudy", {**public_key, "targetFolderUuid": other})
    assert state["outcome"] == "SUCCEEDED"  # what is public can be copied as it is
    await check_all(site.services)


async def test_roles_on_both_sides(site: Site) -> None:
    """USER where copies arrive, ADMIN where originals are deleted; hidden parts are not copied (AMB-ERR-17)."""
    top, target = await site.folder("clinic"), await site.folder("research")
    mine, hidden = await site.folder("mine", top), await site.folder("hidden", top)
    await upload_dicom(site, mine, [samples.dicom_file(1, 1, 1)])
    await upload_dicom(site, hidden, [samples.dicom_file(1, 2, 1)])
    group = await site.group("team")
    who = await site.newcomer(group)
    await site.grant(mine, group, "USER")
    await site.grant(target, group, "VIEWER")
    key = {"folderUuid": mine, "studyUid": UID}
    for mutation in ("splitDicomStudy", "cloneDicomStudy"):
        given = {**key, "targetFolderUuid": target}
        assert await site.refused(mutation, given, who) == [("FORBIDDEN", "input.targetFolderUuid")]
        given["targetFolderUuid"] = hidden
        assert await site.refused(mutation, given, who) == [("NOT_FOUND", "input.targetFolderUuid")]
    await site.grant(target, group, "USER")
    split = {**key, "targetFolderUuid": target, "deleteFromSource": True}
    assert await site.refused("splitDicomStudy", split, who) == [("FORBIDDEN", "input.folderUuid")]
    split["seriesUids"] = [series_uid(1, 2)]
    assert await site.refused("splitDicomStudy", split, who) == [("NOT_FOUND", "input.seriesUids.0")]
    state = await run_study_job(site, "cloneDicomStudy", {**key, "targetFolderUuid": target}, who)
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 1)
    secondary = {"folderUuid": target, "studyUid": state["studyUids"][0]}
    merge = {"primary": key, "secondaries": [secondary], "deleteSecondaries": True}
    assert await site.refused("mergeDicomStudies", merge, who) == [("FORBIDDEN", "input.secondaries.0")]
    merge = {"primary": {"folderUuid": hidden, "studyUid": UID}, "secondaries": [secondary]}
    assert await site.refused("mergeDicomStudies", merge, who) == [("NOT_FOUND", "input.primary.studyUid")]
    merge = {"primary": {"folderUuid": top, "studyUid": UID}, "secondaries": [secondary]}
    assert await site.refused("mergeDicomStudies", merge) == [("BAD_USER_INPUT", "input.primary.folderUuid")]
    await check_all(site.services)
