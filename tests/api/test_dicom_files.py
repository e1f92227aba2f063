"""Files of DICOM studies: sent in parts, attached, drawn, counted in the store, received, lost and not copied."""

import io
from typing import Any

import pydicom
import pytest
import pytest_asyncio
from pydicom.uid import ExplicitVRLittleEndian

from gateway.media import samples
from tests.fixtures.dicom_rows import lose_files
from tests.fixtures.items import upload_items
from tests.fixtures.jobs import change_jobs, insert_job
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.studies import run_study_job, study_uid, upload_dicom
from tests.fixtures.thumbnails import picture, thumbnail
from tests.fixtures.uploading import File, announce, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

PART = 5 << 20


async def study(site: Site, folder: str, selection: str, number: int = 1, **variables: str) -> Any:
    """Return a study of the samples."""
    more = "".join(f", ${name}: String" for name in variables)
    document = f"query($f: UUID!, $u: String!{more}) {{ dicomStudy(folderUuid: $f, studyUid: $u) {{ {selection} }} }}"
    return (await site.ask(document, {"f": folder, "u": study_uid(number), **variables}))["dicomStudy"]


def film(frames: int, side: int = 32) -> bytes:
    """Return a DICOM file whose frames differ."""
    dataset = pydicom.dcmread(io.BytesIO(samples.dicom_file(2)))
    dataset.Rows = dataset.Columns = side
    dataset.NumberOfFrames, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = frames, 8, 8, 7
    rows = [[bytes((x * (n + 1) + y) % 256 for x in range(side)) for y in range(side)] for n in range(frames)]
    dataset.PixelData = b"".join(row for frame in rows for row in frame)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset)
    return out.getvalue()


async def test_instances_of_one_series_are_listed_with_their_tags(shared_site: Site) -> None:
    """Pages of a study, of one series or of all.

    Inventory: AMB-STUDY-16, AMB-TAG-04, AMB-TAG-10.
    """
    site, folder = shared_site, await shared_site.folder("one series")
    files = [samples.dicom_file(1, series, number) for series in (1, 2) for number in (1, 2, 3)]
    await upload_dicom(site, folder, files)
    document = """instances(seriesUid: $s, first: 2) { totalCount pageInfo { hasNextPage }
      nodes { series { seriesUid } tags(filter: {keywords: ["InstanceNumber", "Modality"]}) { keyword value } } }
      series { nodes { seriesUid instances { totalCount } } }"""
    everything = await study(site, folder, document.replace("$s", "null"))
    [first, second] = everything["series"]["nodes"]
    assert (first["instances"], second["instances"]) == ({"totalCount": 3}, {"totalCount": 3})
    assert everything["instances"]["totalCount"] == 6
    shown = (await study(site, folder, document, s=second["seriesUid"]))["instances"]
    assert (shown["totalCount"], shown["pageInfo"]["hasNextPage"]) == (3, True)
    for number, instance in enumerate(shown["nodes"], start=1):
        assert instance["series"]["seriesUid"] == second["seriesUid"]
        assert instance["tags"] == [
            {"keyword": "Modality", "value": "OT"},
            {"keyword": "InstanceNumber", "value": str(number)},
        ]
    assert (await study(site, folder, document, s="1.2.3"))["instances"]["totalCount"] == 0


async def test_attachments_are_downloaded(shared_site: Site) -> None:
    """An attachment has the URL of its file, as any item has.

    Inventory: AMB-STUDY-17, AMB-STUDY-18, AMB-TAG-13.
    """
    site, folder = shared_site, await shared_site.folder("reports")
    await upload_dicom(site, folder, [samples.dicom_file(3)])
    texts = [b"first", b"second"]
    keys = {"folderUuid": folder, "studyUid": study_uid(3)}
    for report in await upload_items(site, folder, [File("r.txt", "PLAIN_TEXT", text) for text in texts]):
        await site.done("addStudyAttachment", {**keys, "itemUuid": report}, "item { uuid }")
    file = "uuid sha256 signedUrl { url }"
    shown = await study(site, folder, f"latestAttachment {{ {file} }} attachments {{ nodes {{ {file} }} }}", 3)
    listed = shown["attachments"]["nodes"]
    assert listed[0]["uuid"] == shown["latestAttachment"]["uuid"]
    assert len({each["sha256"] for each in listed}) == 2
    got = [(await site.client.get(each["signedUrl"]["url"])).content for each in listed]
    assert got == texts[::-1]


async def test_each_frame_of_an_instance_has_a_thumbnail(shared_site: Site) -> None:
    """Frames are drawn on request; a frame that the instance lacks has none.

    Inventory: AMB-STUDY-10, AMB-HTTP-14.
    """
    site, folder = shared_site, await shared_site.folder("film")
    [uuid] = await upload_dicom(site, folder, [film(3)])
    for frame in range(3):
        assert isinstance(await thumbnail(site, uuid, frame=frame), dict)
    fields = " ".join(f"f{n}: thumbnail(size: SMALL, frame: {n}) {{ url width height }}" for n in range(4))
    instance = (await site.see("storageItem", uuid, f"... on DicomFileItem {{ instance {{ frames {fields} }} }}"))[
        "instance"
    ]
    assert (instance["frames"], instance["f3"]) == (3, None)
    seen = {(await picture(site, instance[f"f{n}"])).tobytes() for n in range(3)}
    assert len(seen) == 3
    for wrong, code in (("size: HUGE", "GRAPHQL_VALIDATION_FAILED"), ("frame: -1", "BAD_USER_INPUT")):
        query = f"... on DicomFileItem {{ instance {{ thumbnail({wrong}) {{ url }} }} }}"
        body = await site.body(f'{{ storageItem(uuid: "{uuid}") {{ {query} }} }}')
        assert body["errors"][0]["extensions"]["code"] == code


async def test_files_are_counted_in_the_store_on_request(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other counts come from the rows; a lost file is noticed where files are counted, up to a number.

    Inventory: SUB-109.
    """
    site, folder = shared_site, await shared_site.folder("counted")
    uuids = await upload_dicom(site, folder, [samples.dicom_file(5, 1, number) for number in (1, 2, 3)])
    await lose_files(site, uuids[:1])
    counted = "counts(countFiles: true) { instances files } rows: counts { instances files }"
    assert await study(site, folder, counted, 5) == {
        "counts": {"instances": 3, "files": 2},
        "rows": {"instances": 3, "files": None},
    }
    monkeypatch.setattr("resolvers.dicom_stored_files.MAX_FILES", 2)
    selection = "dicomStudy(folderUuid: $f, studyUid: $u) { counts(countFiles: true) { files } }"
    document = f"query($f: UUID!, $u: String!) {{ {selection} }}"
    [error] = (await site.body(document, {"f": folder, "u": study_uid(5)}))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("LIMIT_EXCEEDED", ["countFiles"])


async def test_a_study_is_received_available_and_lost(shared_site: Site) -> None:
    """It is available once no job adds to it, and no longer once all its files are lost.

    Its attachment is left, so that it is not gone.

    Inventory: SUB-112, AMB-HTTP-16.
    """
    site, folder = shared_site, await shared_site.folder("received")
    job = await insert_job(site, "UPLOAD", folder)
    uuids = await upload_dicom(site, folder, [samples.dicom_file(6, 1, number) for number in (1, 2)])
    [report] = await upload_items(site, folder, [File("r.txt", "PLAIN_TEXT", b"no finding")])
    attached = {"folderUuid": folder, "studyUid": study_uid(6), "itemUuid": report}
    await site.done("addStudyAttachment", attached, "item { uuid }")
    shown = "availability counts { instances }"
    listed = f"query($f: UUID!) {{ dicomStudies(folderUuid: $f) {{ totalCount nodes {{ {shown} }} }} }}"

    async def state() -> tuple[str, int]:
        page = (await site.ask(listed, {"f": folder}))["dicomStudies"]
        assert (page["totalCount"], page["nodes"]) == (1, [await study(site, folder, shown, 6)])
        return page["nodes"][0]["availability"], page["nodes"][0]["counts"]["instances"]

    assert await state() == ("RECEIVING", 2)
    await change_jobs(site, job, status="DONE")
    assert await state() == ("AVAILABLE", 2)
    await lose_files(site, uuids[:1], is_noticed=True)
    assert await state() == ("AVAILABLE", 1)
    await lose_files(site, uuids[1:], is_noticed=True)
    assert await state() == ("UNAVAILABLE", 0)


async def test_originals_stay_unless_all_are_copied(shared_site: Site) -> None:
    """A file that is broken or lost fails its unit with a reason; nothing is removed then.

    Inventory: AMB-ERR-25.
    """
    site, folder, target = shared_site, await shared_site.folder("broken"), await shared_site.folder("copies")
    uuids = await upload_dicom(site, folder, [samples.dicom_file(7, 1, number) for number in (1, 2, 3)])
    url = (await site.see("storageItem", uuids[0], "url"))["url"]
    await site.services.store.put(url.removeprefix("storegraph:///"), b"no DICOM", "application/dicom")
    await lose_files(site, uuids[1:2])
    split = {"folderUuid": folder, "studyUid": study_uid(7), "targetFolderUuid": target, "deleteFromSource": True}
    state = await run_study_job(site, "splitDicomStudy", split)
    assert (state["outcome"], state["unitsDoneCount"], state["unitsErrorCount"]) == ("SUCCEEDED_WITH_ERRORS", 1, 2)
    errors = {unit["item"]["uuid"]: unit["error"] for unit in state["units"]["nodes"] if unit["status"] == "ERROR"}
    assert errors.keys() == {*uuids[:2]}
    assert errors[uuids[0]].startswith("The file cannot be copied: ")
    assert errors[uuids[1]] == "The bytes of the instance are missing from the store."
    assert (await study(site, folder, "counts { instances }", 7))["counts"] == {"instances": 3}


async def test_a_study_without_instances_has_nothing_to_copy(shared_site: Site) -> None:
    """Its lists are empty, which is no error, and a job about it has no units.

    Inventory: AMB-ERR-36.
    """
    site, folder = shared_site, await shared_site.folder("only a report")
    await upload_dicom(site, folder, [samples.dicom_file(8)])
    [report] = await upload_items(site, folder, [File("r.txt", "PLAIN_TEXT", b"no finding")])
    keys = {"folderUuid": folder, "studyUid": study_uid(8)}
    await site.done("addStudyAttachment", {**keys, "itemUuid": report}, "item { uuid }")
    await run_study_job(site, "deleteDicomStudy", {**keys, "keepAttachments": True})
    shown = await study(site, folder, "counts { instances } instances { nodes { number } } tags { tag } dicomJson", 8)
    assert shown == {"counts": {"instances": 0}, "instances": {"nodes": []}, "tags": [], "dicomJson": []}
    state = await run_study_job(site, "cloneDicomStudy", {**keys, "targetFolderUuid": folder})
    assert (state["outcome"], state["unitsTotalCount"]) == ("SUCCEEDED", 0)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def parted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Site where files of more than 5 MiB are uploaded in parts."""
    with fresh_settings(request.param, request, tmp_path_factory.mktemp("site"), part_size=PART) as settings:
        async with serve_site(settings) as running:
            yield running


async def test_a_large_instance_is_sent_in_parts(parted: Site) -> None:
    """Its item was named when it was announced, and leads to the UIDs and the version.

    Inventory: AMB-IMG-01, AMB-IMG-05, AMB-IMG-06, AMB-IMG-07, AMB-HTTP-18, SUB-093, SUB-113.
    """
    site, folder = parted, await parted.folder("large")
    data = film(6, 1024)
    [target] = await announce(site, folder, [File("film.dcm", "DICOM_FILE", data)])
    uuid, count = target["itemUuid"], target["partCount"]
    assert (target["url"], count) == (None, 2)
    wanted = {"itemUuid": uuid, "partNumbers": list(range(1, count + 1))}
    for part in (await site.done("signUploadParts", wanted, "parts { number url method uploadHeaders }"))["parts"]:
        piece = data[(part["number"] - 1) * PART :][:PART]
        sent = await site.client.request(part["method"], part["url"], content=piece, headers=part["uploadHeaders"])
        assert sent.is_success
    await site.done("completeUploadParts", {"itemUuid": uuid}, "item { uuid }")
    job = await wait_for_job(site, await start_upload_job(site, folder, {"dicomFiles": [{"placeholderUuid": uuid}]}))
    assert (job["errors"], job["itemsWithNames"]) == ([], [{"itemUuid": uuid, "name": "film.dcm"}])
    selection = "sopInstanceUid version fileSize frames signedUrl { url } series { study { studyUid } }"
    shown = await site.see("storageItem", uuid, f"sha256 ... on DicomFileItem {{ instance {{ {selection} }} }}")
    instance = shown["instance"]
    assert (instance["version"], int(instance["fileSize"]), instance["frames"]) == (shown["sha256"], len(data), 6)
    assert instance["series"]["study"]["studyUid"] == study_uid(2)
    assert (await site.client.get(instance["signedUrl"]["url"])).content == data
