"""Studies are anonymized by jobs into other folders.

Shows SUB-100: the answer has a job. What the files lose is tested in tests/dicom.
"""

import io
from typing import Any

import pydicom
from pydicom.uid import CTImageStorage

from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.studies import download, run_study_job, see_study, study_uid, upload_dicom
from tests.fixtures.uploading import count_items

UID = study_uid(1)
TEXTS = (b"Sample^1", b"P00001", b"19700102", b"Clinic")


def ct_file(number: int, study: int = 1) -> bytes:
    """Return a CT slice that names its patient."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file(study, 1, number)))
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = CTImageStorage
    file.Modality, file.PatientBirthDate, file.StudyDate = "CT", "19700102", "20200301"
    file.InstitutionName, file.PatientSex = "Clinic", "F"
    return samples.dicom_bytes(file)


async def files_of(site: Site, folder: str, uid: str) -> list[bytes]:
    """Return the files of a study."""
    study = await see_study(site, folder, uid)
    assert study
    return [await download(site, each["item"]["uuid"]) for each in study["instances"]["nodes"]]


def wanted(folder: str, target: str, *studies: int, **more: Any) -> dict[str, Any]:
    """Return the input of an anonymization."""
    keys = [{"folderUuid": folder, "studyUid": study_uid(study)} for study in studies or (1,)]
    return {"studies": keys, "targetFolderUuid": target, **more}


async def test_copies_name_nobody_and_burned_in_text_is_left_out(site: Site) -> None:
    folder, target = await site.folder("clinic"), await site.folder("research")
    await upload_dicom(site, folder, [ct_file(1), ct_file(2), samples.dicom_file(1, 2, 1)])
    state = await run_study_job(site, "anonymizeDicomStudies", wanted(folder, target))
    assert (state["outcome"], state["operation"], state["unitsDoneCount"]) == ("SUCCEEDED", "ANONYMIZE", 3)
    statuses = sorted((unit["status"], unit["error"]) for unit in state["units"]["nodes"] if unit["error"])
    assert statuses == [("LEFT_OUT", "its pixels may show text that identifies the patient")]
    [uid] = state["studyUids"]
    files = await files_of(site, target, uid)
    assert len(files) == 2
    originals = {file.InstanceNumber: file for file in (pydicom.dcmread(io.BytesIO(ct_file(n))) for n in (1, 2))}
    for data in files:
        assert not [text for text in TEXTS if text in data]
        assert UID.encode() not in data
        copy = pydicom.dcmread(io.BytesIO(data))
        assert (copy.PatientIdentityRemoved, copy.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")
        assert copy.PixelData == originals[copy.InstanceNumber].PixelData
        assert copy.PatientID.startswith("ANON-")
    study = await see_study(site, target, uid)
    assert study
    assert all(each["item"]["name"] == each["sopInstanceUid"] for each in study["instances"]["nodes"])
    allowed = await run_study_job(site, "anonymizeDicomStudies", wanted(folder, target, allowBurnedIn=True))
    assert len(await files_of(site, target, allowed["studyUids"][0])) == 3
    assert await count_items(site, folder) == 3
    await check_all(site.services)


async def test_a_project_gives_the_same_pseudonyms(site: Site) -> None:
    """Without one, each job gives others, and so does a project with the same key in another root folder."""
    folder, root = await site.folder("clinic"), await site.folder("research")
    targets = [await site.folder(name, root) for name in "abc"] + [await site.folder("others")]
    await upload_dicom(site, folder, [ct_file(1), ct_file(1, 2)])
    options, project = {"retainLongitudinal": "MODIFIED", "retainPatientCharacteristics": True}, {"projectKey": "p"}
    states = [
        await run_study_job(site, "anonymizeDicomStudies", wanted(folder, target, 1, 2, **options, **key))
        for target, key in zip(targets, (project, project, {}, project), strict=True)
    ]
    assert states[0]["studyUids"] == states[1]["studyUids"]
    for other in states[2:]:
        assert not set(states[0]["studyUids"]) & set(other["studyUids"])
    first, again = await files_of(site, root, states[0]["studyUids"][0])
    assert first == again
    copy = pydicom.dcmread(io.BytesIO(first))
    assert copy.PatientSex == "F"
    assert copy.StudyDate < "20200301"
    await check_all(site.services)


async def test_exceptions_by_tag_and_a_dry_run(site: Site) -> None:
    folder, target = await site.folder("clinic"), await site.folder("research")
    await upload_dicom(site, folder, [ct_file(1)])
    options = {
        "retainUids": True,
        "keep": ["InstitutionName"],
        "remove": ["0020,0013"],
        "replace": [{"tag": "PatientName", "values": ["Nobody"]}],
    }
    given = wanted(folder, target, **options)
    payload = await site.done(
        "anonymizeDicomStudies", {**given, "dryRun": True}, "job { uuid } actions { path action }"
    )
    actions = {each["path"]: each["action"] for each in payload["actions"]}
    assert payload["job"] is None
    picked = ["00100010", "00100020", "00080080", "00200013", "0020000D", "7FE00010", "00120062"]
    assert [actions[path] for path in picked] == [
        *("REPLACE", "PSEUDONYM", "KEEP", "REMOVE", "KEEP", "KEEP", "REPLACE")
    ]
    assert await count_items(site, target) == 0
    state = await run_study_job(site, "anonymizeDicomStudies", given)
    assert state["studyUids"] == [UID]
    [data] = await files_of(site, target, UID)
    copy = pydicom.dcmread(io.BytesIO(data))
    assert (str(copy.PatientName), copy.InstitutionName, "InstanceNumber" in copy) == ("Nobody", "Clinic", False)


async def test_options_that_cannot_be_followed(site: Site) -> None:
    """AMB-ERR-41."""
    folder = await site.folder("clinic")
    await upload_dicom(site, folder, [ct_file(1)])
    for options, path in (
        ({"keep": ["Nonsense"]}, "keep.0"),
        ({"remove": ["StudyInstanceUID"]}, "remove"),
        ({"replace": [{"tag": "PatientBirthDate", "values": ["yesterday"]}]}, "replace"),
        ({"replace": [{"tag": "x", "values": []}]}, "replace.0.tag"),
        ({"retainSafePrivate": [{"group": 16, "creator": "A", "element": 1}]}, "retainSafePrivate.0.group"),
        ({"retainSafePrivate": [{"group": 17, "creator": "A", "element": 256}]}, "retainSafePrivate.0.element"),
        ({"projectKey": ""}, "projectKey"),
        ({"studies": []}, "studies"),
    ):
        given = {**wanted(folder, folder), **options}
        assert await site.refused("anonymizeDicomStudies", given) == [("BAD_USER_INPUT", f"input.{path}")]
    twice = wanted(folder, folder, 1, 1)
    assert await site.refused("anonymizeDicomStudies", twice) == [("BAD_USER_INPUT", "input.studies.1")]


async def test_identities_stay_in_masked_folders(site: Site) -> None:
    """Without `seesPhi` at the source, nothing is copied to where identities are seen."""
    masked, below = await site.folder("masked"), None
    below = await site.folder("below", masked)
    target = await site.folder("open")
    await upload_dicom(site, masked, [ct_file(1)])
    await site.done("updateStorageFolder", {"folderUuid": masked, "phiPolicy": "MASKED"}, "folder { uuid }")
    group = await site.group("team")
    who = await site.newcomer(group)
    await site.grant(masked, group, "ADMIN")
    await site.grant(target, group, "ADMIN")
    forbidden = [("FORBIDDEN", "input.targetFolderUuid")]
    assert await site.refused("anonymizeDicomStudies", wanted(masked, target), who) == forbidden
    copy = {"folderUuid": masked, "studyUid": UID}
    for mutation in ("cloneDicomStudy", "splitDicomStudy"):
        assert await site.refused(mutation, {**copy, "targetFolderUuid": target}, who) == forbidden
    inside = await run_study_job(site, "cloneDicomStudy", {**copy, "targetFolderUuid": below}, who)
    assert (inside["outcome"], inside["unitsDoneCount"]) == ("SUCCEEDED", 1)
    await upload_dicom(site, target, [ct_file(1, 2)])
    merge = {"primary": {"folderUuid": target, "studyUid": study_uid(2)}, "secondaries": [copy]}
    assert await site.refused("mergeDicomStudies", merge, who) == [("FORBIDDEN", "input.primary.folderUuid")]
    state = await run_study_job(site, "anonymizeDicomStudies", wanted(masked, target))
    assert (state["outcome"], state["unitsDoneCount"]) == ("SUCCEEDED", 1)
