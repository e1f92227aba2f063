"""Files of which nobody names the kind: the content decides when the file is processed."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all, check_counters
from tests.fixtures.kinds import CONTENT, archive
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    FACTS,
    OPEN,
    File,
    ingest,
    item_facts,
    items_by_name,
    send_files,
    start_manifest_job,
    start_upload_job,
    upload,
    upload_manifest,
    wait_for_job,
)
from tests.media.test_recognize import dicom, dicom_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPES = {
    "VIDEO": "VideoItem",
    "IMAGE": "ImageItem",
    "AUDIO": "AudioItem",
    "PLAIN_TEXT": "PlainTextItem",
    "PDF": "PdfItem",
    "NIFTI": "NiftiItem",
    "TIMESERIES": "PlainTextItem",
    "DICOM_FILE": "DicomFileItem",
    "SCENE": "SceneItem",
    "FILE": "FileItem",
}
"""GraphQL types by the kind of the content: a table is text unless it is announced as a time series."""
COUNTERS = "files otherFiles images videos audios plainTexts pdfs niftis dicomFiles scenes timeSeries placeholders"


async def items_in(site: Site, folder: str) -> dict[str, dict[str, Any]]:
    """Return the items in a folder with their facts, by name."""
    document = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ items {{ nodes {{ probeWarnings {FACTS} }} }} }} }}"
    nodes = (await site.ask(document, {"u": folder}))["storageFolder"]["items"]["nodes"]
    return {node["name"]: node for node in nodes}


async def summary(site: Site, folder: str) -> dict[str, int]:
    """Return the counters of a folder that are not 0."""
    document = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ summary {{ {COUNTERS} }} }} }}"
    counted = (await site.ask(document, {"u": folder}))["storageFolder"]["summary"]
    return {name: int(value) for name, value in counted.items() if int(value)}


async def test_a_directory_of_anything_is_uploaded_without_a_guess(shared_site: Site) -> None:
    """Every kind is recognized; the items have their types, facts and counters."""
    site, folder = shared_site, await shared_site.folder("anything")
    files = [File(f"{kind}.bin", OPEN, make()) for kind, make in CONTENT.items()]
    job = await upload(site, folder, [*files, File("empty", OPEN, b"")])
    assert (job["status"], job["unitsDoneCount"]) == ("DONE", len(files) + 1)
    found = await items_in(site, folder)
    for kind in CONTENT:
        item = found[f"{kind}.bin"]
        assert item["__typename"] == TYPES[kind], item
        assert item["probeWarnings"] == []
    assert found["empty"]["__typename"] == "FileItem"
    assert found["IMAGE.bin"]["width"]
    assert await summary(site, folder) == {
        **dict.fromkeys(("images", "videos", "audios", "pdfs", "niftis", "dicomFiles", "scenes"), 1),
        "files": 11,
        "otherFiles": 2,
        "plainTexts": 2,
    }
    await check_all(site.services)


async def test_a_placeholder_is_a_file_until_it_is_processed(shared_site: Site) -> None:
    """Its UUID and global ID stay; only then does its type say what it is."""
    site, folder = shared_site, await shared_site.folder("open placeholders")
    [uuid] = await send_files(site, folder, [File("a", OPEN, samples.png())])
    document = "query($u: UUID!) { storageItem(uuid: $u) { __typename ... on Node { id } } }"
    before = (await site.ask(document, {"u": uuid}))["storageItem"]
    assert before["__typename"] == "FileItem"
    assert await summary(site, folder) == {"placeholders": 1}
    await wait_for_job(site, await start_upload_job(site, folder, {"any": [{"placeholderUuid": uuid}]}))
    after = (await site.ask(document, {"u": uuid}))["storageItem"]
    assert after == {**before, "__typename": "ImageItem"}
    assert await summary(site, folder) == {"files": 1, "images": 1}


async def test_the_kind_may_be_named_when_the_job_starts(shared_site: Site) -> None:
    """An open placeholder fits every section, and its file must be of that kind."""
    site, folder = shared_site, await shared_site.folder("named later")
    names = ["a.csv", "b.csv", "c.csv"]
    series, text, wrong = await send_files(site, folder, [File(name, OPEN, CONTENT["TIMESERIES"]()) for name in names])
    entries = {
        "timeSeries": [{"placeholderUuid": series}],
        "any": [{"placeholderUuid": text}],
        "images": [{"placeholderUuid": wrong}],
    }
    job = await wait_for_job(site, await start_upload_job(site, folder, entries, ignoreErrors=True))
    assert job["errors"] == ["c.csv: expected an image, but the content is text/csv."]
    assert (await item_facts(site, series))["itemType"] == "TIMESERIES"
    assert (await item_facts(site, text))["itemType"] == "PLAIN_TEXT"
    assert await summary(site, folder) == {"files": 2, "timeSeries": 1, "plainTexts": 1}


async def test_facts_may_be_declared_for_an_open_placeholder(shared_site: Site) -> None:
    """In the section of the kind, which is then believed."""
    site, folder = shared_site, await shared_site.folder("declared facts")
    data = b"not read"
    [uuid] = await send_files(site, folder, [File("a", OPEN, data)])
    facts = {"mimeType": "image/x-mine", "fileSize": len(data), "width": 4, "height": 3}
    found = await ingest(site, folder, {"images": [{"placeholderUuid": uuid, "imageMetadata": facts}]})
    assert (found["a"]["__typename"], found["a"]["width"]) == ("ImageItem", 4)
    await check_counters(site.services.database)


async def test_an_announced_kind_is_kept(shared_site: Site) -> None:
    """The section `any` takes the announced kind: a PNG that was announced as a file stays one."""
    site, folder = shared_site, await shared_site.folder("announced")
    files = [File("a", "FILE", samples.png()), File("b", "AUDIO", samples.png())]
    uuids = await send_files(site, folder, files)
    entries = {"any": [{"placeholderUuid": uuid} for uuid in uuids]}
    job = await wait_for_job(site, await start_upload_job(site, folder, entries, ignoreErrors=True))
    assert job["errors"] == ["b: expected audio, but the content is image/png."]
    assert (await item_facts(site, uuids[0]))["itemType"] == "FILE"


async def test_damaged_files_fail_whether_or_not_their_kind_was_named(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("damaged")
    damaged = {"IMAGE": samples.png()[:-20], "VIDEO": samples.mp4()[:-500], "PDF": samples.pdf()[:-20]}
    files = [File(f"{kind} {named}", named, data) for kind, data in damaged.items() for named in (kind, OPEN)]
    job = await upload(site, folder, files, ignoreErrors=True)
    assert (job["unitsErrorCount"], job["unitsDoneCount"]) == (6, 0)
    reasons: dict[str, set[str]] = {}
    for error in job["errors"]:
        name, _, reason = error.partition(": ")
        reasons.setdefault(name.split()[0], set()).add(reason)
    assert all(len(found) == 1 for found in reasons.values())


async def test_dicom_without_uids_is_a_file_unless_it_was_announced(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("dicom")
    contents = {"DICOMDIR": dicom_directory(), "no uids": dicom(StudyInstanceUID=None, SeriesInstanceUID=None)}
    warnings = {"DICOMDIR": "DICOM directory", "no uids": "StudyInstanceUID"}
    await upload(site, folder, [File(name, OPEN, data) for name, data in contents.items()])
    found = await items_in(site, folder)
    for name in contents:
        assert (found[name]["itemType"], found[name]["mimeType"]) == ("FILE", "application/dicom")
        assert warnings[name] in found[name]["probeWarnings"][0]
    files = [File(name, "DICOM_FILE", data) for name, data in contents.items()]
    job = await upload(site, folder, files, ignoreErrors=True)
    assert job["unitsErrorCount"] == 2
    assert all(any(reason in error for error in job["errors"]) for reason in warnings.values())
    await check_counters(site.services.database)


async def test_files_elsewhere_must_be_readable(fetching_site: Site, file_server: FileServer) -> None:
    """They are read in ranges; of one that cannot be read, the error says what is needed."""
    site, folder = fetching_site, await fetching_site.folder("elsewhere")
    urls = {kind: file_server.add(f"open-{kind}", make()) for kind, make in CONTENT.items()}
    entries = [{"objectUrl": url, "clientMetadata": {"kind": kind}} for kind, url in urls.items()]
    for item in (await ingest(site, folder, {"any": entries})).values():
        kind = item["clientMetadata"]["kind"]
        assert (item["__typename"], item["url"]) == (TYPES[kind], urls[kind])
    missing = [{"objectUrl": f"{file_server.url}/files/nowhere"}]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"any": missing}))
    [error] = job["errors"]
    assert error.endswith("must be listed in the section of its kind, with its facts.")
    again = await ingest(site, folder, {"any": entries, "skipDuplicateUrls": True})
    assert len(again) == len(entries)
    assert (await summary(site, folder))["files"] == len(entries)


@pytest.mark.parametrize("format", ["json", "csv", "sent"])
async def test_manifests_leave_kinds_open(shared_site: Site, format: str) -> None:
    """In the section `any`, or as lines without `itemType`; the manifest's own kind may be open, too."""
    site, folder = shared_site, await shared_site.folder(f"open kinds of a {format} manifest")
    first, second = await send_files(site, folder, [File("a", OPEN, samples.png()), File("b", OPEN, archive())])
    text = f"itemType,placeholderUuid\n,{first}\nFILE,{second}\n"
    entries = {"any": [{"placeholderUuid": first}], "files": [{"placeholderUuid": second}]}
    manifests: dict[str, dict[str, Any]] = {"json": {"json": entries}, "csv": {"csv": text}}
    manifest = manifests.get(format, {})
    if not manifest:
        [uuid] = await send_files(site, folder, [File("m.csv", OPEN, f"placeholderUuid\n{first}\n{second}\n".encode())])
        manifest = {"placeholderUuid": uuid}
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest))
    found = await items_by_name(site, job)
    assert {name: item["itemType"] for name, item in found.items()} == {"a": "IMAGE", "b": "FILE"}


async def test_facts_cannot_be_declared_without_a_kind(shared_site: Site) -> None:
    """A manifest that does is refused at that key."""
    site, folder = shared_site, await shared_site.folder("facts without a kind")
    entry = {"objectUrl": "https://files.example/a", "imageMetadata": {}}
    manifest = await upload_manifest(site, folder, b'{"any": [%s]}' % str(entry).replace("'", '"').encode())
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest))
    assert job["errors"][0].startswith('any[0].imageMetadata: Unknown key "imageMetadata"')
