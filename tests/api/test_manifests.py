"""Manifests as JSON: in the input or uploaded, with errors that name the entry and the key."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    File,
    announce,
    count_items,
    item_facts,
    items_by_name,
    send_files,
    start_manifest_job,
    start_upload_job,
    upload_manifest,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD = "BAD_USER_INPUT"


async def run_manifest(site: Site, folder: str, said: Any, form: str = "sent", **more: Any) -> dict[str, Any]:
    """Run a job from a manifest and return it once it has ended."""
    manifest = {"json": said} if form == "json" else await upload_manifest(site, folder, json.dumps(said).encode())
    return await wait_for_job(site, await start_manifest_job(site, folder, manifest, **more))


def all_kinds(server: FileServer) -> dict[str, Any]:
    """Return a manifest with several kinds, spelled as clients of cloud storage do."""
    frames = [server.add(f"frame {n}.png", samples.png(seed=n)).replace(" ", "%20") for n in range(3)]
    slices = [server.add(f"slice-{n}.dcm", samples.dicom_file(instance_number=n)) for n in (2, 1)]
    return {
        "videos": [{"objectUrl": server.add("film.mp4", samples.mp4()), "title": "the film"}],
        "images": [{"objectUrl": server.add("one.png", samples.png()), "clientMetadata": {"a": {"b": [1, None]}}}],
        "audio": [{"objectUrl": server.add("sound.wav", samples.wav())}],
        "text": [{"objectUrl": server.add("words.txt", b"words")}],
        "dicom_files": [{"objectUrl": server.add("alone.dcm", samples.dicom_file(series=9))}],
        "image_groups": [{"title": "frames", "objectUrl_1": frames[1], "objectUrl_0": frames[0]}],
        "imageGroups": [{"title": "more", "images": [{"objectUrl": frames[2]}], "clientMetadata": {"c": 1}}],
        "dicom_series": [{"title": "series", "objectUrl_0": slices[0], "objectUrl_1": slices[1]}],
        "skip_duplicate_urls": True,
    }


@pytest.mark.parametrize("form", ["json", "sent"])
async def test_a_manifest_can_do_what_the_input_can(fetching_site: Site, file_server: FileServer, form: str) -> None:
    """Both spellings, URLs in numeric order, titles or the names in the bucket.

    Inventory: ENC-MAN-01 to ENC-MAN-06, ENC-MAN-08, SUB-057, SUB-061.
    """
    site, folder = fetching_site, await fetching_site.folder(f"kinds {form}")
    said = all_kinds(file_server)
    job = await run_manifest(site, folder, said, form, fileName="list.json")
    assert (job["status"], job["errors"], job["unitsDoneCount"]) == ("DONE", [], 8)
    created = await items_by_name(site, job)
    assert created.keys() == {
        "the film", "one.png", "sound.wav", "words.txt", "alone.dcm", "frames", "more", "series",
    }  # fmt: skip
    assert (created["one.png"]["clientMetadata"], created["more"]["clientMetadata"]) == (
        {"a": {"b": [1, None]}},
        {"c": 1},
    )
    children = "query($u: UUID!) { storageItem(uuid: $u) { children { nodes { name url } } } }"
    group = (await site.ask(children, {"u": created["frames"]["uuid"]}))["storageItem"]["children"]["nodes"]
    assert [node["name"] for node in group] == ["frame 0.png", "frame 1.png"]
    again = await run_manifest(site, folder, said, form)
    assert (again["status"], len(again["itemsWithNames"])) == ("DONE", 8)
    assert {entry["itemUuid"] for entry in again["itemsWithNames"]} == {item["uuid"] for item in created.values()}
    named = "query($u: UUID!) { uploadJob(uuid: $u) { fileName } }"
    for uuid, name in ((job["uuid"], "list.json"), (again["uuid"], None if form == "json" else "m.json")):
        assert (await site.ask(named, {"u": uuid}))["uploadJob"]["fileName"] == name
    await check_all(site.services)


async def test_every_section_of_the_input_is_in_the_manifest(fetching_site: Site, file_server: FileServer) -> None:
    """Time series, scenes, groups of existing images, and sequences with a video.

    Inventory: ENC-MAN-07.
    """
    site, folder = fetching_site, await fetching_site.folder("sections")
    frames = [file_server.add(f"sequence-{n}.png", samples.png(64, 48, n)) for n in range(3)]
    first = await run_manifest(site, folder, {"images": [{"objectUrl": url} for url in frames]})
    images = [entry["itemUuid"] for entry in first["itemsWithNames"]]
    said = {
        "time_series": [{"objectUrl": file_server.add("values.csv", b"t,v\n0,1\n1,2\n")}],
        "scenes": [{"title": "scene", "scene": {"picture": {"itemUuid": images[0]}}}],
        "image_groups": [
            {"title": "sequence", "createVideo": True, "objectUrl_0": frames[0], "objectUrl_1": frames[1]}
        ],
        "image_groups_from_items": [{"title": "from items", "createVideo": False, "itemUuids": images}],
    }
    job = await run_manifest(site, folder, said)
    assert (job["status"], job["errors"]) == ("DONE", [])
    created = {name: item["__typename"] for name, item in (await items_by_name(site, job)).items()}
    kinds = {"values.csv": "TimeSeriesItem", "scene": "SceneItem", "from items": "ImageGroupItem"}
    assert created == {**kinds, "sequence": "ImageSequenceItem"}
    again = await run_manifest(site, folder, {**said, "skip_duplicate_urls": True})
    assert (again["status"], again["errors"]) == ("DONE", [])
    await check_all(site.services)


async def test_facts_and_placeholders_are_used(fetching_site: Site, file_server: FileServer) -> None:
    """Facts are checked as in the input; placeholders stand for uploaded files.

    Inventory: ENC-MAN-09.
    """
    site, folder = fetching_site, await fetching_site.folder("facts")
    given = {"fps": 25, "duration": 4.0, "width": 640, "height": 480, "fileSize": 5000, "mimeType": "video/mp4"}
    [uuid] = await send_files(site, folder, [File("here.txt", "PLAIN_TEXT", b"here")])
    video = {"objectUrl": file_server.add("given.mp4", bytes(5000)), "videoMetadata": given}
    job = await run_manifest(site, folder, {"videos": [video], "text": [{"placeholderUuid": uuid}]})
    assert (job["status"], job["errors"]) == ("DONE", [])
    created = await items_by_name(site, job)
    assert created["given.mp4"]["duration"] == 4.0
    assert created["here.txt"]["uuid"] == uuid
    wrong = {
        "fps": [{**given, "fps": 0}, {**given, "fps": "25"}],
        "frames": [{**given, "frames": 1}],
        "width": [{name: value for name, value in given.items() if name != "width"}],
    }
    places = [(key, facts) for key, several in wrong.items() for facts in several]
    job = await run_manifest(site, folder, {"videos": [{**video, "videoMetadata": facts} for _, facts in places]})
    expected = [f"videos[{index}].videoMetadata.{key}" for index, (key, _) in enumerate(places)]
    assert [error.split(":")[0] for error in job["errors"]] == expected
    await check_all(site.services)


def wrong_entries(url: str) -> dict[str, tuple[str, Any]]:
    """Return entries with a fault, by the path of the fault."""
    return {
        "images[0].objectURL": ("images", {"objectURL": url}),
        "images[1].objectUrl": ("images", {"title": "no URL"}),
        "images[2].title": ("images", {"objectUrl": url, "title": ""}),
        "images[3].clientMetadata": ("images", {"objectUrl": url, "clientMetadata": [1]}),
        "images[4].objectUrl ": ("images", {"objectUrl": "ftp://files.example/x"}),
        "images[5].objectUrl  ": ("images", {"objectUrl": 5}),
        "images[6]": ("images", "a text"),
        "image_groups[0].title": ("image_groups", {"objectUrl_0": url}),
        "image_groups[1].objectUrl_2": ("image_groups", {"title": "x", "objectUrl_0": url, "objectUrl_2": url}),
        "image_groups[2].images": ("image_groups", {"title": "x", "objectUrl_0": url, "images": []}),
        "image_groups[3].images[1].objectUrl": (
            "image_groups",
            {"title": "x", "images": [{"objectUrl": url}, {"objectUrl": 1}]},
        ),
        "dicom_series[0].dicomFiles": ("dicom_series", {"title": "x"}),
    }


async def test_faults_are_reported_by_entry_and_key(fetching_site: Site, file_server: FileServer) -> None:
    """Unknown keys are refused, groups need titles, and nothing is begun.

    With `ignoreErrors` the other entries are processed. A manifest in the input is refused as a
    whole, with the same keys.

    Inventory: SUB-062, ENC-MAN-05, SUB-056.
    """
    site, folder, url = (
        fetching_site,
        await fetching_site.folder("wrong"),
        file_server.add("right.png", samples.png()),
    )
    said: dict[str, Any] = {}
    for section, entry in wrong_entries(url).values():
        said.setdefault(section, []).append(entry)
    said["images"].append({"objectUrl": url})
    expected = [location.strip() for location in wrong_entries(url)]
    job = await run_manifest(site, folder, said)
    assert (job["status"], job["unitsErrorCount"], job["unitsCancelledCount"]) == ("ERROR", len(expected), 1)
    assert sorted(error.split(":")[0] for error in job["errors"]) == sorted(expected)
    assert 'images[0].objectURL: Unknown key "objectURL". Did you mean "objectUrl"?' in job["errors"]
    assert job["unitErrors"][0]["actionDescription"] == "reading the manifest"
    assert await count_items(site, folder) == 0
    job = await run_manifest(site, folder, said, ignoreErrors=True)
    assert (job["status"], job["unitsErrorCount"], job["unitsDoneCount"]) == ("DONE", len(expected), 1)
    assert await count_items(site, folder) == 1
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"json": said}})
    assert {code for code, _ in refused} == {BAD}
    places = {location.replace("[", ".").replace("]", "") for location in expected}
    assert {path.removeprefix("input.manifest.json.") for _, path in refused} == places
    assert await count_items(site, folder) == 1
    await check_all(site.services)


BROKEN = [
    (b"no JSON at all", "The manifest is not valid JSON at its beginning"),
    (b'{"images": [{"objectUrl": "https://files.example/1"}, {"obj', "The manifest is not valid JSON after images[0]"),
    (b'{"text": [{"objectUrl": "\xff"}]}', "The manifest is not valid JSON at its beginning"),
    ('{"text": []}'.encode("utf-16"), "The manifest is in UTF-16 or UTF-32; it must be in UTF-8."),
    (b"[1]", "The manifest is not a JSON object."),
    (b"{}", "The manifest has no entries."),
    (b'{"pictures": []}', 'Unknown key "pictures".'),
    (b'{"video": []}', 'Unknown key "video". Did you mean "videos"?'),
    (b'{"videos": {}}', "videos is not a list."),
    (b'{"skip_duplicate_urls": "yes"}', "skip_duplicate_urls must be true or false."),
    (b'{"upsert_metadata": true}', "upsert_metadata requires skip_duplicate_urls."),
    (b'{"text": [' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"]}", "text[0] is nested more than 64 levels deep."),
]


async def test_unreadable_manifests_fail_with_a_reason(fetching_site: Site) -> None:
    """The job fails with or without `ignoreErrors` and leaves nothing.

    The reader is a process without a database; the second database only shows that its error is
    stored there.

    Inventory: ENC-ERR-15, SUB-051.
    """
    site, folder = fetching_site, await fetching_site.folder("broken")
    broken = BROKEN if site.services.database.is_embedded else BROKEN[:3]

    async def read_errors(data: bytes) -> list[str]:
        started = await start_manifest_job(site, folder, await upload_manifest(site, folder, data), ignoreErrors=True)
        job = await wait_for_job(site, started, seconds=150)  # each manifest is read by another process
        assert (job["status"], job["itemsWithNames"]) == ("ERROR", [])
        errors: list[str] = job["errors"]
        return errors

    for errors, (_, said) in zip(await asyncio.gather(*(read_errors(data) for data, _ in broken)), broken, strict=True):
        assert len(errors) == 1
        assert errors[0].startswith(said)
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_a_manifest_that_crashes_its_readers_fails_its_job(
    fetching_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is retried a few times; then the job has failed, and nothing is left of it."""
    monkeypatch.setattr("gateway.tasks.read_manifests.CHILD", "no.such.program")
    monkeypatch.setattr("gateway.tasks.read_manifests.DELAYS", (timedelta(),) * 2)
    site, folder = fetching_site, await fetching_site.folder("deadly")
    job = await wait_for_job(
        site, await start_manifest_job(site, folder, await upload_manifest(site, folder, b"{}"), ignoreErrors=True)
    )
    assert job["status"] == "ERROR"
    assert job["errors"] == [
        "The manifest could not be read in 3 attempts. Split it, or check it for very large entries."
    ]
    await check_all(site.services)


async def test_a_manifest_in_the_input_excludes_other_sources(fetching_site: Site, file_server: FileServer) -> None:
    """Nothing in it is taken for a path on the server.

    Inventory: SUB-063.
    """
    site, folder = fetching_site, await fetching_site.folder("forms")
    entry = {"text": [{"objectUrl": file_server.add("t.txt", b"t")}]}
    for manifest, path in (
        ({"json": "/etc/hostname"}, ".json"),
        ({"json": [entry]}, ".json"),
        ({"json": {}}, ".json"),
        ({"json": {"text": {}}}, ".json.text"),
        ({"json": {"texts": []}}, ".json.texts"),
        ({"json": {**entry, "upsertMetadata": True}}, ".json"),
        ({"csv": "/etc/hostname"}, ".csv"),
    ):
        refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": manifest})
        assert refused == [(BAD, f"input.manifest{path}")], manifest
    for choice in ({}, {"json": entry, "csv": "itemType,objectUrl\n"}):
        assert await site.invalid("startUploadJob", {"folderUuid": folder, "manifest": choice}) == ["BAD_USER_INPUT"]
    for both in ({}, {"items": entry, "manifest": {"json": entry}}):
        assert await site.refused("startUploadJob", {"folderUuid": folder, **both}) == [(BAD, "input")]
    many = {"text": [{"objectUrl": "https://files.example/1"}] * 10_001}
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"json": many}})
    assert refused == [("LIMIT_EXCEEDED", "input.manifest.json")]
    assert await count_items(site, folder) == 0


async def test_only_uploaded_manifests_are_read(
    fetching_site: Site, file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 100 MB, announced as text in that folder by its user, and used once.

    Inventory: ENC-MAN-10, ENC-MAN-12.
    """
    site, folder, other = (
        fetching_site,
        await fetching_site.folder("sent"),
        await fetching_site.folder("sent elsewhere"),
    )
    data = json.dumps({"text": [{"objectUrl": file_server.add("sent.txt", b"sent")}]}).encode()
    [unsent] = await announce(site, folder, [File("unsent.json", "PLAIN_TEXT", data)])
    image = (await send_files(site, folder, [File("image.json", "IMAGE", data)]))[0]
    right = await upload_manifest(site, folder, data)

    async def refused(uuid: str, where: str = folder) -> tuple[str, str]:
        input = {"folderUuid": where, "manifest": {"placeholderUuid": uuid}}
        [error] = await site.refused("startUploadJob", input)
        return error

    path = "input.manifest.placeholderUuid"
    assert await refused(unsent["itemUuid"]) == (BAD, path)
    assert await refused(image) == (BAD, path)
    assert await refused(right["placeholderUuid"], other) == ("NOT_FOUND", path)
    assert await refused(folder) == ("NOT_FOUND", path)
    with monkeypatch.context() as patch:
        patch.setattr("gateway.catalog.ingestion.manifests.MAX_MANIFEST", len(data) - 1)
        assert await refused(right["placeholderUuid"]) == ("LIMIT_EXCEEDED", path)
    job = await wait_for_job(site, await start_manifest_job(site, folder, right, idempotencyKey="once"))
    assert job["status"] == "DONE"
    assert await start_manifest_job(site, folder, right, idempotencyKey="once") == job["uuid"]
    assert await refused(right["placeholderUuid"]) == ("NOT_FOUND", path)
    await site.done("abortUploads", {"itemUuids": [unsent["itemUuid"], image]}, "removedItemsCount")
    await check_all(site.services)


async def test_metadata_may_be_large_in_a_manifest(fetching_site: Site, file_server: FileServer) -> None:
    """The limit of an item is 10 MB, and 256 KB in the input.

    Inventory: ENC-MAN-08.
    """
    site, folder, url = (fetching_site, await fetching_site.folder("large"), file_server.add("large.txt", b"large"))
    entry = {"objectUrl": url, "clientMetadata": {"text": "x" * (9 << 20)}}
    job = await run_manifest(site, folder, {"text": [entry]})
    assert job["status"] == "DONE"
    [created] = job["itemsWithNames"]
    assert (await item_facts(site, created["itemUuid"]))["clientMetadata"] == entry["clientMetadata"]
    entry["clientMetadata"] = {"text": "x" * (10 << 20)}
    assert (await run_manifest(site, folder, {"text": [entry]}))["errors"][0].startswith(
        "text[0].clientMetadata: The metadata"
    )
    entry["clientMetadata"] = {"text": "x" * (256 << 10)}
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"json": {"text": [entry]}}})
    assert refused == [("LIMIT_EXCEEDED", "input.manifest.json.text.0.clientMetadata")]


async def test_a_small_job_ends_while_a_large_one_runs(fetching_site: Site, file_server: FileServer) -> None:
    """Jobs take turns; the large one is cancelled half-way and keeps its finished items.

    While its manifest was read, it had counts and was PENDING.

    Inventory: SUB-054.
    """
    site, folder, small = (
        fetching_site,
        await fetching_site.folder("large job"),
        await fetching_site.folder("small job"),
    )
    urls = [file_server.add(f"turn-{n}.txt", b"turn %d" % n) for n in range(3000)]
    large = await start_manifest_job(
        site,
        folder,
        await upload_manifest(site, folder, json.dumps({"text": [{"objectUrl": u} for u in urls]}).encode()),
    )
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount unitsPendingCount } }"
    async with asyncio.timeout(60):
        while not (state := (await site.ask(document, {"u": large}))["uploadJob"])["unitsDoneCount"]:
            await asyncio.sleep(0.05)
    assert state["unitsDoneCount"] + state["unitsPendingCount"] == len(urls)
    job = await wait_for_job(site, await start_upload_job(site, small, {"text": [{"objectUrl": urls[0]}]}))
    assert job["status"] == "DONE"
    state = (await site.ask(document, {"u": large}))["uploadJob"]
    assert state["status"] == "PENDING"
    cancelled = await site.done("cancelUploadJob", {"uploadJobUuid": large}, "unitsCancelledCount")
    state = await wait_for_job(site, large)
    assert state["unitsCancelledCount"] == cancelled["unitsCancelledCount"] == len(urls) - state["unitsDoneCount"] > 0
    async with asyncio.timeout(60):
        while await count_items(site, folder) != state["unitsDoneCount"]:  # placeholders are deleted by a task
            await asyncio.sleep(0.1)
    await check_all(site.services)


async def test_a_job_can_be_cancelled_while_its_manifest_is_read(fetching_site: Site) -> None:
    """The manifest's bytes are removed, and no unit is begun."""
    site, folder = fetching_site, await fetching_site.folder("unread")
    entries = [{"objectUrl": f"https://files.example/{n}"} for n in range(20_000)]
    job = await start_manifest_job(
        site, folder, await upload_manifest(site, folder, json.dumps({"text": entries}).encode())
    )
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
    state = await wait_for_job(site, job)
    assert (state["status"], state["unitsDoneCount"], state["unitsPendingCount"]) == ("CANCELLED", 0, 0)
    assert await count_items(site, folder) == 0
    await check_all(site.services)
