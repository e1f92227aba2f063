"""Studies, series and instances of DICOM files that were uploaded, and changes of them."""

import io
from typing import Any

import pydicom
import pytest

from gateway.media import samples
from tests.fixtures.items import upload_group, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.studies import study_uid, upload_dicom
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")

DETAILS: dict[str, Any] = {
    "PatientName": "Yamada^Tarou=山田^太郎",
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientBirthDate": "19700131",
    "PatientSex": "M",
    "StudyDate": "20260131",
    "StudyTime": "130559.25",
    "AccessionNumber": "A1",
    "StudyID": "S1",
    "StudyDescription": "Chest",
    "ReferringPhysicianName": "Doe^Jane",
    "IssuerOfPatientID": "Hospital",
}
EVERYTHING = """rootFolder { uuid } patientName { alphabetic ideographic phonetic } patientId patientIdIssuer
  patientBirthDate patientSex studyDate studyTime accessionNumber studyId description modalities
  referringPhysicianName { alphabetic } availability viewerRole phiVersion folders { nodes { uuid } }
  counts(countFiles: true) { series instances superseded frames attachments bytes files }
  conflicts { tags studies { studyUid } sopInstanceUids }
  series { nodes { seriesUid modality counts { instances superseded frames bytes } folder { uuid }
    instances { nodes { number isCurrent } } } }
  instances { totalCount }"""
KEYS = "$f: UUID!, $u: String!, $p: String"
GIVEN = "folderUuid: $f, studyUid: $u, patientId: $p"


def dicom(study: int = 1, series: int = 1, number: int = 1, seed: int = 0, **attributes: Any) -> bytes:
    """Return a DICOM file with these attributes."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file(study, series, number, seed)))
    for name, value in attributes.items():
        setattr(file, name, value)
    if "SOPInstanceUID" in attributes:
        file.file_meta.MediaStorageSOPInstanceUID = attributes["SOPInstanceUID"]
    out = io.BytesIO()
    pydicom.dcmwrite(out, file, enforce_file_format=True)
    return out.getvalue()


async def study(site: Site, folder: str, uid: str, selection: str, who: str = "admin", **more: Any) -> Any:
    """Return a study as a user sees it."""
    document = f"query({KEYS}) {{ dicomStudy({GIVEN}) {{ {selection} }} }}"
    return (await site.ask(document, {"f": folder, "u": uid, **more}, who))["dicomStudy"]


async def test_a_study_has_the_attributes_of_its_files(shared_site: Site) -> None:
    """Dates are ISO 8601, names have their groups, and series and instances are in order.

    Inventory: AMB-STUDY-01, AMB-STUDY-05.
    """
    site, folder = shared_site, await shared_site.folder("attributes")
    files = [dicom(series=series, number=number, **DETAILS) for series in (2, 1) for number in (3, 1, 2)]
    uuids = await upload_dicom(site, folder, files)
    shown = await study(site, folder, study_uid(1), EVERYTHING)
    assert shown["patientName"] == {"alphabetic": "Yamada^Tarou", "ideographic": "山田^太郎", "phonetic": None}
    assert (shown["patientBirthDate"], shown["studyDate"], shown["studyTime"]) == (
        "1970-01-31",
        "2026-01-31",
        "13:05:59.25",
    )
    assert (shown["patientId"], shown["patientIdIssuer"], shown["patientSex"]) == ("P00001", "Hospital", "M")
    assert (shown["accessionNumber"], shown["studyId"], shown["description"]) == ("A1", "S1", "Chest")
    assert (shown["referringPhysicianName"], shown["modalities"]) == ({"alphabetic": "Doe^Jane"}, ["OT"])
    assert (shown["availability"], shown["viewerRole"], shown["phiVersion"]) == ("AVAILABLE", "ADMIN", 0)
    assert shown["rootFolder"] == {"uuid": folder} == shown["folders"]["nodes"][0]
    size = sum(map(len, files))
    assert shown["counts"] == {
        "series": 2, "instances": 6, "superseded": 0, "frames": 6, "attachments": 0, "bytes": size, "files": 6,
    }  # fmt: skip
    assert shown["conflicts"] == {"tags": [], "studies": [], "sopInstanceUids": []}
    for series in shown["series"]["nodes"]:
        assert [each["number"] for each in series["instances"]["nodes"]] == [1, 2, 3]
        assert series["counts"]["instances"] == 3
    assert shown["instances"]["totalCount"] == 6
    item = await site.see(
        "storageItem", uuids[0], "... on DicomFileItem { instance { number series { study { studyUid } } } }"
    )
    assert item == {"instance": {"number": 3, "series": {"study": {"studyUid": study_uid(1)}}}}


async def test_an_instance_leads_to_its_file_and_versions(shared_site: Site) -> None:
    """The newest of several files with a SOP instance UID is current.

    Inventory: SUB-093, SUB-113.
    """
    site, folder = shared_site, await shared_site.folder("versions")
    first, second = dicom(PatientName="First"), dicom(PatientName="Second")
    uuids = [*await upload_dicom(site, folder, [first]), *await upload_dicom(site, folder, [second])]
    selection = """counts { instances superseded } conflicts { tags } instances { nodes { version isCurrent frames
      hasPixels sopClass transferSyntaxUid item { uuid sha256 } signedUrl { url method } thumbnail(size: LARGE) { url }
      versions { isCurrent item { uuid } } } } every: instances(includeSuperseded: true) { totalCount }"""
    shown = await study(site, folder, study_uid(1), selection)
    (instance,) = shown["instances"]["nodes"]
    assert instance["version"] == instance["item"]["sha256"]
    assert instance["item"]["uuid"] == uuids[1]
    assert [(each["isCurrent"], each["item"]["uuid"]) for each in instance["versions"]] == [
        (True, uuids[1]),
        (False, uuids[0]),
    ]
    assert (instance["frames"], instance["hasPixels"], instance["signedUrl"]["method"]) == (1, True, "GET")
    assert shown["counts"] == {"instances": 1, "superseded": 1}
    assert (shown["every"]["totalCount"], shown["conflicts"]["tags"]) == (2, ["00100010"])
    response = await site.client.get(instance["signedUrl"]["url"])
    assert response.content == second


async def test_two_patients_with_one_study_uid_are_two_studies(shared_site: Site) -> None:
    """Whoever names such a study has to name the patient; the empty ID is of the unknown one."""
    site, folder = shared_site, await shared_site.folder("two patients")
    await upload_dicom(site, folder, [dicom(number=1), dicom(number=2, PatientID="")])
    document = f"query({KEYS}) {{ dicomStudy({GIVEN}) {{ patientId conflicts {{ studies {{ patientId }} }} }} }}"
    (error,) = (await site.body(document, {"f": folder, "u": study_uid(1)}))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", ["patientId"])
    for asked, shown, other in (("P00001", "P00001", None), ("", None, "P00001")):
        found = (await site.ask(document, {"f": folder, "u": study_uid(1), "p": asked}))["dicomStudy"]
        assert found == {"patientId": shown, "conflicts": {"studies": [{"patientId": other}]}}
    missing = await site.ask(document, {"f": folder, "u": study_uid(1), "p": "P2"})
    assert missing == {"dicomStudy": None}


async def test_an_instance_in_two_places_is_a_conflict(shared_site: Site) -> None:
    """The study lists the UIDs that several of its series or folders have."""
    site, root = shared_site, await shared_site.folder("conflicts")
    other = await site.folder("other", root)
    for folder, files in (
        (root, [dicom(series=1, SOPInstanceUID="1.2.3"), dicom(series=2, SOPInstanceUID="1.2.3")]),
        (root, [dicom(series=1, SOPInstanceUID="1.2.4"), dicom(study=2)]),
        (other, [dicom(series=1, SOPInstanceUID="1.2.4")]),
    ):
        await upload_dicom(site, folder, files)
    shown = await study(site, root, study_uid(1), "conflicts { sopInstanceUids tags } counts { instances }")
    assert shown == {"conflicts": {"sopInstanceUids": ["1.2.3", "1.2.4"], "tags": []}, "counts": {"instances": 4}}
    assert (await study(site, other, study_uid(1), "conflicts { tags }"))["conflicts"] == {"tags": []}
    lonely = await study(site, root, study_uid(2), "conflicts { sopInstanceUids studies { studyUid } }")
    assert lonely["conflicts"] == {"sopInstanceUids": [], "studies": []}


async def test_a_viewer_sees_their_part_of_a_study(shared_site: Site) -> None:
    """Lists and counts are of the parts in visible folders, and other parts cannot be looked up."""
    site, root = shared_site, await shared_site.folder("parts")
    shown, hidden = await site.folder("shown", root), await site.folder("hidden", root)
    team = await site.group("radiologists")
    who = await site.newcomer(team)
    await site.grant(shown, team, "USER")
    await upload_dicom(site, shown, [dicom(series=1, number=1, Modality="CT")])
    (secret,) = await upload_dicom(site, hidden, [dicom(series=2, number=number, Modality="MR") for number in (1,)])
    selection = """counts { series instances } modalities rootFolder { uuid } folders { nodes { uuid } } viewerRole
      series { nodes { id modality } } instances { totalCount } conflicts { sopInstanceUids }"""
    own = await study(site, shown, study_uid(1), selection, who)
    assert own["counts"] == {"series": 1, "instances": 1}
    assert (own["modalities"], own["rootFolder"], own["viewerRole"]) == (["CT"], None, "USER")
    assert (own["folders"]["nodes"], own["instances"]["totalCount"]) == ([{"uuid": shown}], 1)
    whole = await study(site, root, study_uid(1), selection)
    assert (whole["counts"]["series"], whole["modalities"]) == (2, ["CT", "MR"])
    other = next(each["id"] for each in whole["series"]["nodes"] if each["modality"] == "MR")
    assert (await site.ask("query($i: ID!) { node(id: $i) { id } }", {"i": other}, who))["node"] is None
    assert await study(site, hidden, study_uid(1), selection, who) is None
    assert await study(site, root, study_uid(1), selection, who) is None
    listed = "query($f: DicomInstanceFilter!) { dicomInstances(filter: $f) { nodes { item { uuid } } } }"
    for filter in ({"itemUuids": [secret]}, {"studyUids": [study_uid(1)], "folderUuid": hidden}):
        assert (await site.ask(listed, {"f": filter}, who))["dicomInstances"]["nodes"] == []
        assert (await site.ask(listed, {"f": filter}))["dicomInstances"]["nodes"] == [{"item": {"uuid": secret}}]


async def test_instances_are_found_by_many_keys(shared_site: Site) -> None:
    """A thousand UIDs can be asked for at once; malformed ones are named by their position (AMB-ERR-05)."""
    site, folder = shared_site, await shared_site.folder("many keys")
    await upload_dicom(site, folder, [dicom(study=7, number=number) for number in (2, 1)])
    listed = """query($f: DicomInstanceFilter!) { dicomInstances(filter: $f) { totalCount
      nodes { number sopInstanceUid series { seriesUid } } } }"""
    found = (await site.ask(listed, {"f": {"studyUids": [study_uid(7)]}}))["dicomInstances"]
    assert [each["number"] for each in found["nodes"]] == [1, 2]
    uid, series = found["nodes"][0]["sopInstanceUid"], found["nodes"][0]["series"]["seriesUid"]
    many = [uid, *(f"1.2.{number}" for number in range(999))]
    # Other tests of the module may use the same UIDs.
    for filter, count in (({"sopInstanceUids": many}, 1), ({"seriesUids": [series]}, 2)):
        here = {"f": {**filter, "folderUuid": folder}}
        assert (await site.ask(listed, here))["dicomInstances"]["totalCount"] == count
    for filter, code, path in (
        ({}, "BAD_USER_INPUT", ["filter"]),
        ({"seriesUids": ["1", "x"]}, "BAD_USER_INPUT", ["filter", "seriesUids", 1]),
        ({"sopInstanceUids": ["1"] * 1001}, "LIMIT_EXCEEDED", ["filter", "sopInstanceUids"]),
    ):
        (error,) = (await site.body(listed, {"f": filter}))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == (code, path)
    for uid in ("", "1..2", "abc", "1" * 65):
        (error,) = (await site.body(f"query({KEYS}) {{ dicomStudy({GIVEN}) {{ id }} }}", {"f": folder, "u": uid}))[
            "errors"
        ]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", ["studyUid"])


async def test_a_group_of_files_leads_to_its_series(shared_site: Site) -> None:
    """The item that groups the files of a series leads to what DICOM calls a series."""
    site, folder = shared_site, await shared_site.folder("grouped")
    files = [File(f"{number}.dcm", "DICOM_FILE", dicom(study=9, number=number)) for number in (1, 2)]
    group, _members = await upload_group(site, folder, files)
    selection = "... on DicomSeriesItem { series { counts { instances } } study { studyUid } }"
    shown = await site.see("storageItem", group, selection)
    assert shown == {"series": {"counts": {"instances": 2}}, "study": {"studyUid": study_uid(9)}}


async def test_attachments(shared_site: Site) -> None:
    """An attached item is listed and counted; a study without instances stays with its attachments.

    Inventory: AMB-STUDY-18, AMB-STUDY-19, AMB-STUDY-22, SUB-110, AMB-ERR-11, AMB-ERR-16.
    """
    site, folder = shared_site, await shared_site.folder("attachments")
    elsewhere = await site.folder("elsewhere")
    await upload_dicom(site, folder, [dicom(study=20), dicom(study=21)])
    reports = await upload_items(site, folder, [File(f"{name}.txt", "PLAIN_TEXT", name.encode()) for name in "ab"])
    (stray,) = await upload_items(site, elsewhere, [File("stray.txt", "PLAIN_TEXT", b"stray")])
    keys = {"folderUuid": folder, "studyUid": study_uid(20)}
    selection = "counts { attachments } latestAttachment { name } attachments { nodes { uuid } edges { attachedAt } }"
    for report in [*reports, reports[1]]:
        payload = await site.done("addStudyAttachment", {**keys, "itemUuid": report}, f"study {{ {selection} }}")
    shown = payload["study"]
    assert (shown["counts"]["attachments"], shown["latestAttachment"]) == (2, {"name": "b.txt"})
    assert [each["uuid"] for each in shown["attachments"]["nodes"]] == reports[::-1]
    other = {"folderUuid": folder, "studyUid": study_uid(21), "itemUuid": reports[0]}
    assert await site.refused("addStudyAttachment", other) == [("CONFLICT", "input.itemUuid")]
    assert await site.refused("deleteStudyAttachment", other) == [("NOT_FOUND", "input.itemUuid")]
    assert await site.refused("addStudyAttachment", {**keys, "itemUuid": stray}) == [
        ("BAD_USER_INPUT", "input.itemUuid")
    ]
    await site.done("deleteStudyAttachment", {**keys, "itemUuid": reports[1]}, "study { id }")
    assert (await study(site, folder, study_uid(20), selection))["latestAttachment"] == {"name": "a.txt"}
    uids = (await study(site, folder, study_uid(20), "instances { nodes { sopInstanceUid } }"))["instances"]["nodes"]
    gone = {**keys, "sopInstanceUids": [each["sopInstanceUid"] for each in uids]}
    await site.done("deleteDicomInstances", gone, "removedItemsCount")
    left = await study(site, folder, study_uid(20), "availability counts { instances attachments } patientId")
    assert left == {
        "availability": "AVAILABLE",
        "counts": {"instances": 0, "attachments": 1},
        "patientId": "P00020",
    }
    await site.done("deleteStudyAttachment", {**keys, "itemUuid": reports[0]}, "study { id }")
    assert await study(site, folder, study_uid(20), "id") is None


async def test_instances_are_deleted_with_all_their_versions(shared_site: Site) -> None:
    """One that cannot be deleted keeps the others, and is named.

    Inventory: AMB-STUDY-03, AMB-STUDY-04, AMB-ERR-14, AMB-ERR-15.
    """
    site, folder = shared_site, await shared_site.folder("deleted instances")
    for name in ("First", "Second"):
        await upload_dicom(site, folder, [dicom(study=30, PatientName=name), dicom(study=30, number=2)])
    listed = "instances { nodes { number sopInstanceUid } } counts { instances superseded }"
    shown = await study(site, folder, study_uid(30), listed)
    uids = [each["sopInstanceUid"] for each in shown["instances"]["nodes"]]
    keys = {"folderUuid": folder, "studyUid": study_uid(30)}
    wrong = {**keys, "sopInstanceUids": [uids[0], "1.2.3"]}
    assert await site.refused("deleteDicomInstances", wrong) == [("NOT_FOUND", "input.sopInstanceUids.1")]
    assert await site.refused("deleteDicomInstances", {**keys, "sopInstanceUids": ["x"]}) == [
        ("BAD_USER_INPUT", "input.sopInstanceUids.0")
    ]
    done = await site.done(
        "deleteDicomInstances", {**keys, "sopInstanceUids": uids[:1]}, "removedItemsCount deletedIds"
    )
    assert (done["removedItemsCount"], len(done["deletedIds"])) == (2, 2)
    assert (await study(site, folder, study_uid(30), listed))["counts"] == {"instances": 1, "superseded": 1}


async def test_corrected_attributes_replace_those_of_files(shared_site: Site) -> None:
    """Answers and filters use them, they are numbered, and null takes them back."""
    site, folder = shared_site, await shared_site.folder("corrected")
    await upload_dicom(site, folder, [dicom(study=40, StudyDate="20260101")])
    keys = {"folderUuid": folder, "studyUid": study_uid(40)}
    values = {"patientName": "Correct^Name", "studyDate": "2026-02-03", "description": "Right"}
    selection = "study { patientName { alphabetic } studyDate description phiVersion }"
    shown = (await site.done("setDicomStudyPhi", {**keys, "values": values}, selection))["study"]
    assert shown == {
        "patientName": {"alphabetic": "Correct^Name"},
        "studyDate": "2026-02-03",
        "description": "Right",
        "phiVersion": 1,
    }
    listed = """query($u: UUID!, $f: DicomStudyFilter) { dicomStudies(folderUuid: $u, filter: $f) { totalCount } }"""
    for filter, expected in (
        ({"patientName": "correct*"}, 1),
        ({"patientName": "Sample*"}, 0),
        ({"studyDate": {"from": "2026-02-01"}}, 1),
    ):
        counted = await site.ask(listed, {"u": folder, "f": filter})
        assert counted["dicomStudies"]["totalCount"] == expected
    await site.done("clearDicomStudyCache", keys, "study { id }")
    back = {**keys, "values": {"patientName": None}}
    shown = (await site.done("setDicomStudyPhi", back, selection))["study"]
    assert (shown["patientName"], shown["studyDate"]) == ({"alphabetic": "Sample^40"}, "2026-02-03")
    assert shown["phiVersion"] == 2
    for values, path in (
        ({}, "input.values"),
        ({"studyDate": "20260101"}, "input.values.studyDate"),
        ({"studyTime": "25:00:00"}, "input.values.studyTime"),
        ({"patientName": "a=b=c=d"}, "input.values.patientName"),
        ({"patientSex": "x" * 17}, "input.values.patientSex"),
    ):
        assert await site.refused("setDicomStudyPhi", {**keys, "values": values}) == [("BAD_USER_INPUT", path)]
