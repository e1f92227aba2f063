"""Corrections of a study reach neither parts that the caller cannot see, nor studies that exist elsewhere."""

from gateway.media import samples
from tests.fixtures.sites import Site
from tests.fixtures.studies import study_uid, upload_dicom

VALUES = "{ patientName { alphabetic } phiVersion }"
NAME = f"study {VALUES}"
SHOWN = f"query($f: UUID!, $u: String!) {{ dicomStudy(folderUuid: $f, studyUid: $u) {VALUES} }}"


async def test_a_study_with_hidden_parts_cannot_be_corrected(site: Site) -> None:
    root = await site.folder("hospital")
    seen, hidden = [await site.folder(name, root) for name in ("seen", "hidden")]
    group = await site.group("readers")
    await site.grant(seen, group, "USER")
    member = await site.newcomer(group)
    await upload_dicom(site, hidden, [samples.dicom_file()])
    await upload_dicom(site, seen, [samples.dicom_file(instance_number=2)])
    given = {"folderUuid": seen, "studyUid": study_uid(1), "values": {"patientName": "Wrong^Name"}}
    assert await site.refused("setDicomStudyPhi", given, member) == [("FORBIDDEN", "input.folderUuid")]
    await site.grant(hidden, group, "USER")
    assert (await site.done("setDicomStudyPhi", given, NAME, member))["study"]["phiVersion"] == 1


async def test_corrections_move_only_into_new_studies(site: Site) -> None:
    own, other, fresh = [await site.folder(name) for name in ("own", "other", "fresh")]
    below = await site.folder("below", own)
    [item] = await upload_dicom(site, below, [samples.dicom_file()])
    await upload_dicom(site, other, [samples.dicom_file(instance_number=2)])
    given = {"folderUuid": own, "studyUid": study_uid(1), "values": {"patientName": "Moved^Name"}}
    await site.done("setDicomStudyPhi", given, NAME)

    async def shown(folder: str) -> tuple[str, int]:
        study = (await site.ask(SHOWN, {"f": folder, "u": study_uid(1)}))["dicomStudy"]
        return study["patientName"]["alphabetic"], study["phiVersion"]

    await site.done("moveStorageItems", {"itemUuids": [item], "newParentUuid": fresh}, "results { uuid }")
    assert await shown(fresh) == ("Moved^Name", 1)
    await site.done("moveStorageItems", {"itemUuids": [item], "newParentUuid": below}, "results { uuid }")
    assert await shown(own) == ("Moved^Name", 1)
    await site.done("moveStorageFolders", {"folderUuids": [below], "newParentUuid": other}, "results { uuid }")
    assert await shown(other) == ("Sample^1", 0)
