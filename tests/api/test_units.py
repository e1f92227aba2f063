"""Units of upload jobs: items of each kind of file, facts that clients give, and errors."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.invariants import check_all, check_jobs
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    File,
    announce,
    count_items,
    item_facts,
    items_by_name,
    send_files,
    start_upload_job,
    upload,
    wait_for_job,
)
from tests.samples import gif_bomb, gzip_bomb_nifti, png_bomb, truncate

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS: list[tuple[File, dict[str, Any]]] = [
    (File("a.png", "IMAGE", samples.png()), {"mimeType": "image/png", "width": 64, "height": 48, "duration": None}),
    (
        File("b.webm", "VIDEO", samples.webm()),
        {"mimeType": "video/webm", "width": 64, "height": 48, "fps": 10.0, "duration": 1.0, "frameCount": 10},
    ),
    (
        File("c.wav", "AUDIO", samples.wav()),
        {
            "mimeType": "audio/wav",
            "duration": 1.0,
            "audioSampleRate": 16000,
            "audioBitDepth": 16,
            "audioCodec": "pcm_s16le",
            "audioNumChannels": 1,
        },
    ),
    (File("d.txt", "PLAIN_TEXT", samples.text()), {"mimeType": "text/plain", "width": None, "fps": None}),
    (File("e.pdf", "PDF", samples.pdf(pages=3)), {"mimeType": "application/pdf", "pageCount": 3}),
    (File("f.nii.gz", "NIFTI", samples.nifti()), {"mimeType": "application/x-nifti+gzip", "frameCount": 8}),
    (
        File("g.dcm", "DICOM_FILE", samples.dicom_file(frames=2)),
        {"mimeType": "application/dicom", "width": 32, "height": 32, "frameCount": 2},
    ),
]


async def test_every_kind_has_its_facts(shared_site: Site) -> None:
    """Facts of each kind that is made of one file.

    Inventory: ENC-ITEM-01 to ENC-ITEM-30, ENC-UPI.
    """
    site, folder = shared_site, await shared_site.folder("kinds")
    job = await upload(site, folder, [file for file, _ in KINDS])
    assert (job["status"], job["unitsDoneCount"], job["errors"]) == ("DONE", len(KINDS), [])
    items = await items_by_name(site, job)
    for file, expected in KINDS:
        item = items[file.name]
        common = {"itemType": file.item_type, "fileSize": len(file.data), "isPlaceholder": False}
        assert item == {**item, **common, **expected}, file.name
        assert len(item["sha256"]) == 64
        assert item["url"].startswith("storegraph:///")
        assert item["folder"]["uuid"] == folder
    assert all(items["g.dcm"][f"dicom{level}Uid"] for level in ("Instance", "Study", "Series"))
    await check_all(site.services)


async def test_titles_and_metadata_are_taken_from_the_client(shared_site: Site) -> None:
    """Files are named as announced unless a title is given; names of groups are generated.

    Inventory: ENC-UPIG.
    """
    site, folder = shared_site, await shared_site.folder("titles")
    files = [File(f"{number}.png", "IMAGE", samples.png(seed=number)) for number in range(6)]
    uuids = await send_files(site, folder, files)
    images = [{"placeholderUuid": uuids[0], "title": "Mine", "clientMetadata": {"a": 1}}, {"placeholderUuid": uuids[1]}]
    groups = [
        {"images": [{"placeholderUuid": uuids[3]}, {"placeholderUuid": uuids[2], "title": "Frame"}], "title": "Pair"},
        {"images": [{"placeholderUuid": uuids[4]}, {"placeholderUuid": uuids[5]}], "clientMetadata": {"b": 2}},
    ]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"images": images, "imageGroups": groups}))
    names = [entry["name"] for entry in job["itemsWithNames"]]
    assert names[:3] == ["Mine", "1.png", "Pair"]
    assert names[3].startswith("image-group-")
    mine, _, pair, unnamed = [await item_facts(site, entry["itemUuid"]) for entry in job["itemsWithNames"]]
    assert (mine["uuid"], mine["clientMetadata"]) == (uuids[0], {"a": 1})
    assert (pair["__typename"], pair["itemType"], pair["fileSize"]) == ("ImageGroupItem", "IMAGE_GROUP", None)
    assert unnamed["clientMetadata"] == {"b": 2}
    assert await members(site, pair["uuid"]) == [uuids[3], uuids[2]]
    assert (await item_facts(site, uuids[2]))["name"] == "Frame"
    await check_all(site.services)


async def members(site: Site, group: str) -> list[str]:
    """Return the members of a group, in order."""
    document = "query($u: UUID!) { storageItem(uuid: $u) { children { nodes { uuid } } } }"
    return [node["uuid"] for node in (await site.ask(document, {"u": group}))["storageItem"]["children"]["nodes"]]


async def series(site: Site, folder: str, *files: bytes) -> tuple[list[str], dict[str, Any]]:
    """Upload these files as a series; return the placeholders and the ended job."""
    named = [File(f"{index}.dcm", "DICOM_FILE", data) for index, data in enumerate(files)]
    uuids = await send_files(site, folder, named)
    wanted = {"dicomSeries": [{"dicomFiles": [{"placeholderUuid": uuid} for uuid in uuids]}]}
    return uuids, await wait_for_job(site, await start_upload_job(site, folder, wanted))


async def test_a_series_is_ordered_by_its_numbers(shared_site: Site) -> None:
    """Instances are ordered by number, and the item identifies the series.

    Inventory: ENC-UPDS, ENC-ITEM-24, -25.
    """
    site, folder = shared_site, await shared_site.folder("series")
    uuids, job = await series(site, folder, *(samples.dicom_file(instance_number=number) for number in (3, 1, 2)))
    [created] = job["itemsWithNames"]
    item = await item_facts(site, created["itemUuid"])
    assert item["__typename"] == "DicomSeriesItem"
    assert await members(site, item["uuid"]) == [uuids[1], uuids[2], uuids[0]]
    instance = await item_facts(site, uuids[0])
    for level in ("Study", "Series"):
        assert item[f"dicom{level}Uid"] == instance[f"dicom{level}Uid"] is not None
    await check_all(site.services)


async def test_a_mixed_series_is_refused(shared_site: Site) -> None:
    """Files of two series fail, and nothing is left."""
    site, folder = shared_site, await shared_site.folder("mixed")
    _, job = await series(site, folder, samples.dicom_file(series=7), samples.dicom_file(series=8))
    assert (job["status"], job["unitsErrorCount"]) == ("ERROR", 1)
    assert "2 series" in job["unitErrors"][0]["error"]
    assert await count_items(site, folder) == 0
    await check_all(site.services)


FAULTS = {
    "mislabelled.png": ("IMAGE", samples.text(), "content is text/plain"),
    "truncated.png": ("IMAGE", truncate(samples.png()), "truncated"),
    "bomb.png": ("IMAGE", png_bomb(), "image is too large"),
    "bomb.gif": ("IMAGE", gif_bomb(), "animation is too large"),
    "bomb.nii.gz": ("NIFTI", gzip_bomb_nifti(1), "far longer than"),
    "broken.pdf": ("PDF", b"%PDF-1.7\n" + bytes(200), "PDF"),
    "broken.webm": ("VIDEO", truncate(samples.webm(), 0.4), ""),
    "nothing.dcm": ("DICOM_FILE", b"\x01\x02\x03" * 100, "DICM"),
}


async def test_each_fault_names_file_and_cause(shared_site: Site) -> None:
    """With ignoreErrors valid files are processed; others report a cause and leave nothing.

    Inventory: SUB-052.
    """
    site, folder = shared_site, await shared_site.folder("faults")
    bad = [File(name, kind, data) for name, (kind, data, _) in FAULTS.items()]
    good = [File(f"good-{number}.txt", "PLAIN_TEXT", f"good {number}".encode()) for number in range(3)]
    job = await upload(site, folder, [*bad, *good], ignoreErrors=True)
    assert (job["status"], job["unitsDoneCount"], job["unitsErrorCount"]) == ("DONE", 3, len(bad))
    assert sorted(entry["name"] for entry in job["itemsWithNames"]) == [file.name for file in good]
    result = {error["error"].partition(":")[0]: error for error in job["unitErrors"]}
    assert set(result) == set(FAULTS)
    for name, (_, _, cause) in FAULTS.items():
        assert cause in result[name]["error"], result[name]
        assert result[name]["actionDescription"] == "reading the file"
        assert result[name]["objectUrls"] == []
    assert await count_items(site, folder) == 3
    await check_all(site.services)


async def test_missing_bytes_fail_the_unit(shared_site: Site) -> None:
    """A placeholder without bytes fails its unit, and without ignoreErrors the job (AMB-ERR-24)."""
    site, folder = shared_site, await shared_site.folder("absent")
    [target] = await announce(site, folder, [File("never.png", "IMAGE", samples.png())])
    job = await wait_for_job(
        site, await start_upload_job(site, folder, {"images": [{"placeholderUuid": target["itemUuid"]}]})
    )
    assert job["status"] == "ERROR"
    assert job["errors"][0].startswith("never.png: no bytes were uploaded")
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_facts_of_the_client_are_used(shared_site: Site) -> None:
    """Given facts are used instead of reading the file.

    Inventory: ENC-MIMG, ENC-MVID, ENC-MAUD, ENC-MTXT, ENC-MPDF; SUB-059.
    """
    site, folder = shared_site, await shared_site.folder("provided")
    files = [
        File("a.img", "IMAGE", b"an image, they say"),
        File("b.vid", "VIDEO", b"a video, they say"),
        File("c.aud", "AUDIO", b"sound, they say"),
        File("d.txt", "PLAIN_TEXT", b"text, they say"),
        File("e.pdf", "PDF", b"a PDF, they say"),
    ]
    image, video, audio, text, pdf = await send_files(site, folder, files)
    sizes = [len(file.data) for file in files]
    seen = {"width": 10, "height": 20}
    heard = {"duration": 2.5, "sampleRate": 8000, "bitDepth": 8, "codec": "mine", "numChannels": 3}
    items = {
        "images": [with_metadata(image, "imageMetadata", fileSize=sizes[0], mimeType="image/x-mine", **seen)],
        "videos": [
            with_metadata(video, "videoMetadata", fileSize=sizes[1], mimeType="video/x", fps=12.5, duration=3.0, **seen)
        ],
        "audio": [with_metadata(audio, "audioMetadata", fileSize=sizes[2], mimeType="audio/x", **heard)],
        "text": [with_metadata(text, "textMetadata", fileSize=sizes[3], mimeType="text/x-mine")],
        "pdf": [with_metadata(pdf, "pdfMetadata", fileSize=sizes[4], pageCount=9)],
    }
    job = await wait_for_job(site, await start_upload_job(site, folder, items))
    assert job["errors"] == []
    assert_has(await item_facts(site, image), mimeType="image/x-mine", **seen)
    assert_has(await item_facts(site, video), fps=12.5, duration=3.0, mimeType="video/x", **seen)
    assert_has(
        await item_facts(site, audio), audioCodec="mine", audioNumChannels=3, audioSampleRate=8000, audioBitDepth=8
    )
    assert_has(await item_facts(site, text), mimeType="text/x-mine", width=None)
    assert_has(await item_facts(site, pdf), pageCount=9, mimeType="application/pdf")
    await check_all(site.services)


def with_metadata(uuid: str, name: str, **metadata: Any) -> dict[str, Any]:
    """Return the entry of a file with the client's metadata."""
    return {"placeholderUuid": uuid, name: metadata}


def assert_has(item: dict[str, Any], **expected: Any) -> None:
    """Assert that the item has these values."""
    assert {name: item[name] for name in expected} == expected


WANTED = [
    *("00080018", "00100020", "00180050", "00181114", "00181164", "0020000D", "0020000E", "00200013", "00200032"),
    *("00200037", "00209113", "00209116", "00280004", "00280008", "00280010", "00280011", "00280030", "00281050"),
    *("00281051", "00289110", "52009229", "52009230"),
]
TAGS: dict[str, Any] = {
    **dict.fromkeys(WANTED),
    "00080018": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000D": {"vr": "UI", "Value": ["1.2"]},
    "0020000E": {"vr": "UI", "Value": ["1.1"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00280011": {"vr": "US", "Value": [256]},
    "00200013": {"vr": "IS", "Value": [5]},
}


async def test_dicom_tags_are_used(shared_site: Site) -> None:
    """All 22 tags are used; the announced size must still be true.

    Inventory: ENC-MDCM, ENC-DTAG.
    """
    site, folder = shared_site, await shared_site.folder("tags")
    [uuid] = await send_files(site, folder, [File("x.dcm", "DICOM_FILE", b"who knows")])
    files = [{"placeholderUuid": uuid, "dicomMetadata": {"tags": TAGS}}]
    assert (await wait_for_job(site, await start_upload_job(site, folder, {"dicomFiles": files})))["errors"] == []
    item = await item_facts(site, uuid)
    assert_has(item, dicomInstanceUid="1.2.3", dicomStudyUid="1.2", dicomSeriesUid="1.1", height=512, width=256)


async def test_invalid_metadata_is_refused(shared_site: Site) -> None:
    """It is refused at its field before any change; missing tags are listed.

    Inventory: ENC-DTAG-01.
    """
    site, folder = shared_site, await shared_site.folder("nonsense")
    files = [File("a.png", "IMAGE", b"abc"), File("b.dcm", "DICOM_FILE", b"abc"), File("c.mp4", "VIDEO", b"abc")]
    image, dicom, video = await send_files(site, folder, files)
    good = {"mimeType": "image/png", "fileSize": 3, "width": 1, "height": 1}
    film = {**good, "fps": 1.0, "duration": 1.0}
    short = {tag: value for tag, value in TAGS.items() if tag not in ("00100020", "00280030")}
    cases: list[tuple[str, dict[str, Any], list[Any]]] = [
        ("images", with_metadata(image, "imageMetadata", **{**good, "width": 0}), ["imageMetadata", "width"]),
        ("images", with_metadata(image, "imageMetadata", **{**good, "mimeType": "png"}), ["imageMetadata", "mimeType"]),
        ("videos", with_metadata(video, "videoMetadata", **{**film, "fps": 0.0}), ["videoMetadata", "fps"]),
        ("videos", with_metadata(video, "videoMetadata", **{**film, "duration": -1.0}), ["videoMetadata", "duration"]),
        ("dicomFiles", with_metadata(dicom, "dicomMetadata", tags=short), ["dicomMetadata", "tags"]),
        ("dicomFiles", with_metadata(dicom, "dicomMetadata", tags=[1]), ["dicomMetadata", "tags"]),
    ]
    for name, entry, path in cases:
        payload = await site.do(
            "startUploadJob", {"folderUuid": folder, "items": {name: [entry]}}, "uploadJob { uuid }"
        )
        [error] = payload["userErrors"]
        assert (error["code"], error["path"]) == ("BAD_USER_INPUT", ["input", "items", name, "0", *path])
        if "tags" in path and entry["dicomMetadata"]["tags"] is short:
            assert "00100020 PatientID" in error["message"]
            assert "00280030 PixelSpacing" in error["message"]
    wrong = {"images": [with_metadata(image, "imageMetadata", **{**good, "fileSize": 4})]}
    job = await wait_for_job(site, await start_upload_job(site, folder, wrong))
    assert job["errors"] == ["a.png: the file has 3 bytes, but 4 were declared in its metadata."]


async def test_the_type_is_that_of_the_bytes(shared_site: Site) -> None:
    """The content type of the upload is ignored: some clients send frames as DICOM.

    Inventory: SUB-067.
    """
    site, folder = shared_site, await shared_site.folder("frames")
    frames = [File(f"{n}.png", "IMAGE", samples.png(seed=n), "application/dicom") for n in range(2)]
    images = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, frames)]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"imageGroups": [{"images": images}]}))
    assert (job["status"], job["errors"]) == ("DONE", [])
    for image in images:
        assert (await item_facts(site, image["placeholderUuid"]))["mimeType"] == "image/png"


async def test_a_size_may_have_more_than_32_bits(shared_site: Site) -> None:
    """Sizes are numbers that GraphQL's Int could not represent.

    Inventory: SUB-079.
    """
    site, folder = shared_site, await shared_site.folder("large")
    file = {"name": "large.mp4", "itemType": "VIDEO", "fileSize": 2**33}
    payload = await site.done("requestUploadUrls", {"folderUuid": folder, "files": [file]}, "targets { partSize }")
    assert payload["targets"] == [{"partSize": 64 << 20}]


async def test_wrong_references_are_refused(shared_site: Site) -> None:
    """Placeholders of other folders, kinds and jobs, duplicates, and entries without one source.

    A URL beside a placeholder is refused, not ignored.

    Inventory: SUB-058.
    """
    site, folder, other = (shared_site, await shared_site.folder("here"), await shared_site.folder("there"))
    image, text = await send_files(site, folder, [File("a.png", "IMAGE", samples.png()), File("a", "PLAIN_TEXT", b"a")])
    [away] = await send_files(site, other, [File("b.png", "IMAGE", samples.png())])
    url = "storegraph:///nothing"
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"images": [{"placeholderUuid": away}]}, "NOT_FOUND", ["images", "0", "placeholderUuid"]),
        ({"images": [{"placeholderUuid": text}]}, "BAD_USER_INPUT", ["images", "0", "placeholderUuid"]),
        ({"images": [{"placeholderUuid": image}] * 2}, "BAD_USER_INPUT", ["images", "1", "placeholderUuid"]),
        ({"images": [{}]}, "BAD_USER_INPUT", ["images", "0", "objectUrl"]),
        ({"images": [{"placeholderUuid": image, "objectUrl": url}]}, "BAD_USER_INPUT", ["images", "0", "objectUrl"]),
        ({"images": [{"objectUrl": url}]}, "NOT_FOUND", ["images", "0", "objectUrl"]),
        ({"images": [{"objectUrl": "s3://bucket/x"}]}, "BAD_USER_INPUT", ["images", "0", "objectUrl"]),
        ({"imageGroups": [{"images": []}]}, "BAD_USER_INPUT", ["imageGroups", "0", "images"]),
        ({}, "BAD_USER_INPUT", []),
    ]
    for items, code, path in cases:
        payload = await site.do("startUploadJob", {"folderUuid": folder, "items": items}, "uploadJob { uuid }")
        assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
            (code, ["input", "items", *path])
        ], items
        assert payload["uploadJob"] is None
    job = await wait_for_job(site, await start_upload_job(site, folder, {"images": [{"placeholderUuid": image}]}))
    assert job["status"] == "DONE"
    again = await site.do(
        "startUploadJob",
        {"folderUuid": folder, "items": {"images": [{"placeholderUuid": image}]}},
        "uploadJob { uuid }",
    )
    assert [error["code"] for error in again["userErrors"]] == ["NOT_FOUND"]
    await check_jobs(site.services.database)


async def test_an_object_url_is_for_its_readers(shared_site: Site) -> None:
    """Only users who can read an item with the object can reuse its URL."""
    site, theirs = shared_site, await shared_site.folder("theirs")
    await site.user("reader@example.org")
    job = await upload(site, theirs, [File("secret.png", "IMAGE", samples.png(seed=77))])
    url = (await item_facts(site, job["itemsWithNames"][0]["itemUuid"]))["url"]
    mine = await site.folder("mine", who="reader@example.org")
    items = {"images": [{"objectUrl": url, "title": "copy"}]}
    refused = await site.do(
        "startUploadJob", {"folderUuid": mine, "items": items}, "uploadJob { uuid }", "reader@example.org"
    )
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
    own = await wait_for_job(site, await start_upload_job(site, theirs, items))
    [copy] = own["itemsWithNames"]
    assert copy["name"] == "copy"
    assert (await item_facts(site, copy["itemUuid"]))["url"] == url
    wrong = await wait_for_job(site, await start_upload_job(site, theirs, {"videos": [{"objectUrl": url}]}))
    assert wrong["unitErrors"][0]["objectUrls"] == [url]
    assert "image/png" in wrong["errors"][0]
    await check_all(site.services)
