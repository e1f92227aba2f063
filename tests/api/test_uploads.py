"""Uploads: announced files, upload targets, and placeholders until a job uses them."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.invariants import check_all, check_objects
from tests.fixtures.items import upload_items
from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, serve_site
from tests.fixtures.uploading import (
    LISTS,
    TARGET,
    File,
    age_placeholders,
    announce,
    item_facts,
    part_counter,
    run_sweep,
    send,
    send_files,
    start_upload_job,
    upload,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = "ann@example.org"
PART = 5 << 20
WITH_PLACEHOLDERS = "(filter: {includePlaceholders: true})"
ITEM = "uuid name isPlaceholder mimeType fileSize signedUrl { url } signedUrlUnavailableReason"


def sha256(data: bytes) -> str:
    """Return the digest as clients declare it."""
    return hashlib.sha256(data).hexdigest()


async def attempt(site: Site, target: dict[str, Any], data: bytes, **headers: str) -> httpx.Response:
    """Send data to a target, optionally with other headers."""
    sent = {**target["uploadHeaders"], **headers}
    return await site.client.request(target["method"], target["url"], content=data, headers=sent)


async def refused(site: Site, mutation: str, input: dict[str, Any], who: str = "admin") -> list[tuple[str, list[str]]]:
    """Return the codes and paths of a mutation's user errors."""
    payload = await site.do(mutation, input, "__typename", who)
    return [(error["code"], error["path"][1:]) for error in payload["userErrors"]]


async def test_every_kind_has_a_target(shared_site: Site) -> None:
    """A placeholder and a target for each file, in the order of the input.

    Targets have the headers that the store requires.

    Inventory: ENC-SURL-01 to ENC-SURL-04, SUB-069.
    """
    site, folder = shared_site, await shared_site.folder("targets")
    files = [File(f"{kind}.bin", kind, kind.encode()) for kind in LISTS]
    targets = await announce(site, folder, files)
    for file, target in zip(files, targets, strict=True):
        assert (target["method"], target["alreadyStored"], target["partSize"]) == ("PUT", False, None)
        assert target["objectKey"] in target["url"]
        assert target["expiresAt"].endswith("Z")
        await send(site, target, file.data)
        assert await site.services.store.read(target["objectKey"]) == file.data
    assert len({target["objectKey"] for target in targets}) == len(files)


async def test_the_store_refuses_other_bytes(shared_site: Site) -> None:
    """Another length, type or checksum is refused, and so is a second upload (AMB-ERR-31)."""
    site, folder, data = shared_site, await shared_site.folder("declared"), b"just these bytes"
    wanted = {
        "name": "a",
        "itemType": "PLAIN_TEXT",
        "fileSize": len(data),
        "mimeType": "text/plain",
        "sha256": sha256(data),
    }
    payload = await site.done("requestUploadUrls", {"folderUuid": folder, "files": [wanted]}, f"targets {{ {TARGET} }}")
    [target] = payload["targets"]
    assert not (await attempt(site, target, data + b"!")).is_success
    assert not (await attempt(site, target, data[:-1])).is_success
    assert not (await attempt(site, target, data.upper())).is_success
    assert not (await attempt(site, target, data, **{"Content-Type": "text/html"})).is_success
    assert await site.services.store.info(target["objectKey"]) is None
    await send(site, target, data)
    assert not (await attempt(site, target, data)).is_success
    job = await wait_for_job(
        site, await start_upload_job(site, folder, {"text": [{"placeholderUuid": target["itemUuid"]}]})
    )
    assert job["status"] == "DONE"


async def test_invalid_announcements_are_refused(shared_site: Site) -> None:
    """Each fault is reported at its field; nothing is created."""
    site, folder = shared_site, await shared_site.folder("refused")
    good = {"name": "a.png", "itemType": "IMAGE", "fileSize": 1}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "name"),
        ({"name": "a" * 10_000}, "name"),
        ({"name": "../a"}, "name"),
        ({"itemType": "IMAGE_GROUP"}, "itemType"),
        ({"fileSize": 0}, "fileSize"),
        ({"fileSize": -1}, "fileSize"),
        ({"fileSize": 2**62}, "fileSize"),
        ({"mimeType": "png"}, "mimeType"),
        ({"mimeType": 'video/webm;codecs="vp8,opus'}, "mimeType"),
        ({"mimeType": "image/" + "x" * 250}, "mimeType"),
        ({"mimeType": "image/png\r\nX: y"}, "mimeType"),
        ({"sha256": "abc"}, "sha256"),
        ({"clientMetadata": [1]}, "clientMetadata"),
    ]
    for change, field in cases:
        wrong = {"folderUuid": folder, "files": [good, {**good, **change}]}
        assert await refused(site, "requestUploadUrls", wrong) == [("BAD_USER_INPUT", ["files", "1", field])], change
    assert await refused(site, "requestUploadUrls", {"folderUuid": folder, "files": []}) != []
    many = {"folderUuid": folder, "files": [good] * 1001}
    assert await refused(site, "requestUploadUrls", many) == [("LIMIT_EXCEEDED", ["files"])]
    assert await items_in(site, folder) == []


async def items_in(site: Site, folder: str, arguments: str = WITH_PLACEHOLDERS) -> list[dict[str, Any]]:
    """Return the items in a folder, placeholders included."""
    document = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ items{arguments} {{ nodes {{ {ITEM} }} }} }} }}"
    nodes: list[dict[str, Any]] = (await site.ask(document, {"u": folder}))["storageFolder"]["items"]["nodes"]
    return nodes


async def test_placeholders_are_shown_and_become_items(shared_site: Site) -> None:
    """Flagged, filterable, counted separately, unsigned, with the UUID of the later item.

    Inventory: SUB-066.
    """
    site, folder = shared_site, await shared_site.folder("placeholders")
    await upload(site, folder, [File("old.txt", "PLAIN_TEXT", b"old")])
    [uuid] = await send_files(site, folder, [File("new.png", "IMAGE", samples.png(seed=5))])
    by_name = {item["name"]: item for item in await items_in(site, folder)}
    assert by_name["new.png"] == {
        "uuid": uuid,
        "name": "new.png",
        "isPlaceholder": True,
        "mimeType": None,
        "fileSize": None,
        "signedUrl": None,
        "signedUrlUnavailableReason": "NOT_YET_STORED",
    }
    assert [item["name"] for item in await items_in(site, folder, "")] == ["old.txt"]
    assert await summary(site, folder) == {"files": 1, "images": 0, "plainTexts": 1, "placeholders": 1}
    await wait_for_job(site, await start_upload_job(site, folder, {"images": [{"placeholderUuid": uuid}]}))
    [item] = [item for item in await items_in(site, folder) if item["uuid"] == uuid]
    assert (item["isPlaceholder"], item["mimeType"]) == (False, "image/png")
    assert (await site.client.get(item["signedUrl"]["url"])).content == samples.png(seed=5)
    assert await summary(site, folder) == {"files": 2, "images": 1, "plainTexts": 1, "placeholders": 0}


async def summary(site: Site, folder: str) -> dict[str, int]:
    """Return the counters of a folder."""
    document = "query($u: UUID!) { storageFolder(uuid: $u) { summary { files images plainTexts placeholders } } }"
    counts: dict[str, int] = (await site.ask(document, {"u": folder}))["storageFolder"]["summary"]
    return counts


async def test_known_bytes_need_no_upload_by_their_readers(shared_site: Site) -> None:
    """`alreadyStored` is shown only to users who can read an item with those bytes.

    No key reveals to others that the bytes exist.
    """
    site, theirs, data = shared_site, await shared_site.folder("theirs"), samples.png(seed=42)
    await site.user(ANN)
    mine = await site.folder("mine", who=ANN)
    file = File("known.png", "IMAGE", data)
    await upload(site, theirs, [file])
    [known] = await announce(site, theirs, [file], sha256=sha256(data))
    assert (known["alreadyStored"], known["url"], known["method"]) == (True, None, None)
    [unknown] = await announce(site, mine, [file], ANN, sha256=sha256(data))
    assert (unknown["alreadyStored"], unknown["method"]) == (False, "PUT")
    await send(site, unknown, data)
    for folder, target, who in ((theirs, known, "admin"), (mine, unknown, ANN)):
        items = {"images": [{"placeholderUuid": target["itemUuid"]}]}
        assert (await wait_for_job(site, await start_upload_job(site, folder, items, who), who))["status"] == "DONE"
    await check_all(site.services)
    keys = [each.key async for each in site.services.store.objects()]
    assert known["objectKey"] in keys
    assert unknown["objectKey"] in keys
    seen = await item_facts(site, unknown["itemUuid"], ANN)
    assert known["objectKey"] not in seen["url"]
    [again] = await announce(site, mine, [file], ANN, sha256=sha256(data).upper())
    assert (again["alreadyStored"], again["objectKey"]) == (True, unknown["objectKey"])
    [other] = await announce(site, mine, [File("b.png", "IMAGE", data + b"x")], ANN, sha256=sha256(data))
    assert not other["alreadyStored"]


async def test_bytes_outlive_their_first_item(shared_site: Site) -> None:
    """They stay while an item or a placeholder needs them, then they are removed."""
    site, folder, data = shared_site, await shared_site.folder("shared"), samples.png(seed=43)
    file = File("shared.png", "IMAGE", data)
    first = await upload(site, folder, [file])
    [target] = await announce(site, folder, [file], sha256=sha256(data))
    await site.done("deleteStorageItems", {"itemUuids": [first["itemsWithNames"][0]["itemUuid"]]}, "removedItemsCount")
    items = {"images": [{"placeholderUuid": target["itemUuid"]}]}
    assert (await wait_for_job(site, await start_upload_job(site, folder, items)))["status"] == "DONE"
    await site.done("deleteStorageItems", {"itemUuids": [target["itemUuid"]]}, "removedItemsCount")
    await check_objects(site.services)
    assert await site.services.store.info(target["objectKey"]) is None


async def test_an_unused_known_object_is_removed_with_its_last_placeholder(shared_site: Site) -> None:
    """The object outlives its item as long as a placeholder refers to it."""
    site, folder, data = shared_site, await shared_site.folder("last"), samples.png(seed=44)
    file = File("last.png", "IMAGE", data)
    first = await upload(site, folder, [file])
    [target] = await announce(site, folder, [file], sha256=sha256(data))
    await site.done("deleteStorageItems", {"itemUuids": [first["itemsWithNames"][0]["itemUuid"]]}, "removedItemsCount")
    await site.done("abortUploads", {"itemUuids": [target["itemUuid"]]}, "removedItemsCount")
    await check_objects(site.services)
    assert await site.services.store.info(target["objectKey"]) is None


async def test_urls_are_renewed(shared_site: Site) -> None:
    """Renewed targets lead to the same object.

    Only placeholders without a job have targets, and only for their users.
    """
    site, folder = shared_site, await shared_site.folder("renewed")
    file = File("a.txt", "PLAIN_TEXT", b"renewed")
    [target] = await announce(site, folder, [file])
    renewed = await site.done("renewUploadUrls", {"itemUuids": [target["itemUuid"]]}, f"targets {{ {TARGET} }}")
    [again] = renewed["targets"]
    assert (again["objectKey"], again["itemUuid"]) == (target["objectKey"], target["itemUuid"])
    await send(site, again, file.data)
    await site.user("bob@example.org")
    wanted = {"itemUuids": [target["itemUuid"]]}
    assert await refused(site, "renewUploadUrls", wanted, "bob@example.org") == [("NOT_FOUND", ["itemUuids", "0"])]
    await wait_for_job(site, await start_upload_job(site, folder, {"text": [{"placeholderUuid": target["itemUuid"]}]}))
    assert await refused(site, "renewUploadUrls", wanted) == [("BAD_USER_INPUT", ["itemUuids", "0"])]
    assert await refused(site, "abortUploads", wanted) == [("BAD_USER_INPUT", ["itemUuids", "0"])]


async def test_uploads_are_aborted(shared_site: Site) -> None:
    """The placeholder is removed with its bytes; later bytes go when the URL has expired."""
    site, folder = shared_site, await shared_site.folder("given up")
    files = [File("a.txt", "PLAIN_TEXT", b"sent"), File("b.txt", "PLAIN_TEXT", b"not sent")]
    targets = await announce(site, folder, files)
    await send(site, targets[0], files[0].data)
    uuids = [target["itemUuid"] for target in targets]
    gone = await site.done("abortUploads", {"itemUuids": uuids}, "removedItemsCount")
    assert gone["removedItemsCount"] == 2
    assert await items_in(site, folder) == []
    await check_all(site.services)
    assert await refused(site, "abortUploads", {"itemUuids": uuids[:1]}) == [("NOT_FOUND", ["itemUuids", "0"])]


async def test_late_placeholders_are_removed(shared_site: Site) -> None:
    """After 24 hours, placeholders without a job are removed with their bytes."""
    site, folder = shared_site, await shared_site.folder("late")
    files = [File(name, "PLAIN_TEXT", name.encode()) for name in ("late", "young", "taken")]
    late, young, taken = await send_files(site, folder, files)
    await age_placeholders(site, late, taken)
    job = await start_upload_job(site, folder, {"text": [{"placeholderUuid": taken}]})
    await run_sweep(site)
    assert (await wait_for_job(site, job))["status"] == "DONE"
    assert {item["uuid"] for item in await items_in(site, folder)} == {young, taken}
    await check_all(site.services)


async def test_partial_files_are_removed(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Partial files of a killed server are removed a day later by another one."""
    with fresh_settings("embedded", request, tmp_path) as settings:
        async with serve_site(settings, works=False) as site:
            broken = settings.data_dir / "objects/incoming/broken"
            broken.write_bytes(b"half")
            await run_sweep(site)
            assert broken.exists()
            os.utime(broken, (0, 0))
            await run_sweep(site)
            assert not broken.exists()


async def test_a_repeated_request_returns_the_same_response(shared_site: Site) -> None:
    """Idempotency keys of requests and jobs: other input is a conflict.

    Inventory: SUB-042.
    """
    site, folder = shared_site, await shared_site.folder("idempotent")
    file = {"name": "a.txt", "itemType": "PLAIN_TEXT", "fileSize": 4}
    wanted = {"folderUuid": folder, "files": [file], "idempotencyKey": "one"}
    first, second = [await site.done("requestUploadUrls", wanted, f"targets {{ {TARGET} }}") for _ in range(2)]
    [target], [again] = first["targets"], second["targets"]
    assert (again["itemUuid"], again["objectKey"]) == (target["itemUuid"], target["objectKey"])
    assert len(await items_in(site, folder)) == 1
    other = {**wanted, "files": [{**file, "fileSize": 5}]}
    assert await refused(site, "requestUploadUrls", other) == [("CONFLICT", ["idempotencyKey"])]
    await send(site, again, b"1234")
    job = {"folderUuid": folder, "items": {"text": [{"placeholderUuid": target["itemUuid"]}]}, "idempotencyKey": "one"}
    started = [await site.done("startUploadJob", job, "uploadJob { uuid }") for _ in range(2)]
    assert started[0]["uploadJob"]["uuid"] == started[1]["uploadJob"]["uuid"]
    await wait_for_job(site, started[0]["uploadJob"]["uuid"])
    assert await refused(site, "requestUploadUrls", wanted) == [("BAD_USER_INPUT", ["idempotencyKey"])]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def parted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Site where files of more than 5 MiB are uploaded in parts."""
    with fresh_settings(request.param, request, tmp_path_factory.mktemp("site"), part_size=PART) as settings:
        async with serve_site(settings) as running:
            yield running


LARGE = samples.text(lines=40) * 5000


async def sign(site: Site, uuid: str, *numbers: int) -> list[dict[str, Any]]:
    """Return signed parts."""
    wanted = {"itemUuid": uuid, "partNumbers": list(numbers)}
    signed = await site.done("signUploadParts", wanted, "parts { number size url method uploadHeaders expiresAt }")
    parts: list[dict[str, Any]] = signed["parts"]
    return parts


async def send_part(site: Site, part: dict[str, Any], data: bytes = LARGE) -> httpx.Response:
    """Send a part of a file."""
    begin = (part["number"] - 1) * PART
    return await attempt(site, part, data[begin : begin + part["size"]])


async def test_a_large_file_is_sent_in_parts(parted: Site) -> None:
    """In any order, repeatedly, and with renewed URLs.

    It is completed once all parts are there, any number of times.
    """
    site, folder = parted, await parted.folder("parts")
    assert 2 * PART < len(LARGE) < 3 * PART
    [target] = await announce(site, folder, [File("large.txt", "PLAIN_TEXT", LARGE)])
    assert (target["url"], int(target["partSize"]), target["partCount"]) == (None, PART, 3)
    uuid = target["itemUuid"]
    last, first = await sign(site, uuid, 3, 1)
    assert (last["number"], int(last["size"])) == (3, len(LARGE) - 2 * PART)
    for part in (last, first):
        part["size"] = int(part["size"])
        assert (await send_part(site, part)).is_success
    assert await refused(site, "completeUploadParts", {"itemUuid": uuid}) == [("BAD_USER_INPUT", ["itemUuid"])]
    [second] = await sign(site, uuid, 2)
    second["size"] = int(second["size"])
    assert not (await attempt(site, second, b"short")).is_success
    for _ in range(2):
        assert (await send_part(site, second)).is_success
    for _ in range(2):
        await site.done("completeUploadParts", {"itemUuid": uuid}, "item { uuid isPlaceholder }")
    job = await wait_for_job(site, await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid}]}))
    assert job["errors"] == []
    [item] = await items_in(site, folder)
    assert (await site.client.get(item["signedUrl"]["url"])).content == LARGE
    await check_all(site.services)


async def test_uploads_without_parts_have_none(parted: Site) -> None:
    """Small files, part numbers out of range, and uploads without their parts are refused."""
    site, folder = parted, await parted.folder("no parts")
    large, small = await announce(site, folder, [File("l", "PLAIN_TEXT", LARGE), File("s", "PLAIN_TEXT", b"s")])
    assert small["method"] == "PUT"
    wanted = {"itemUuid": small["itemUuid"], "partNumbers": [1]}
    assert await refused(site, "signUploadParts", wanted) == [("BAD_USER_INPUT", ["itemUuid"])]
    assert await refused(site, "completeUploadParts", {"itemUuid": small["itemUuid"]}) != []
    [image] = await upload_items(site, folder, [File("no placeholder.txt", "PLAIN_TEXT", b"text")])
    for uuid, code in ((UNKNOWN, "NOT_FOUND"), (image, "BAD_USER_INPUT")):
        for mutation, more in (("signUploadParts", {"partNumbers": [1]}), ("completeUploadParts", {})):
            assert await refused(site, mutation, {"itemUuid": uuid, **more}) == [(code, ["itemUuid"])]
    for number in (0, 4, -1):
        wanted = {"itemUuid": large["itemUuid"], "partNumbers": [1, number]}
        assert await refused(site, "signUploadParts", wanted) == [("BAD_USER_INPUT", ["partNumbers", "1"])]
    complete = {"itemUuid": large["itemUuid"]}
    assert await refused(site, "completeUploadParts", complete) == [("BAD_USER_INPUT", ["itemUuid"])]


async def test_parts_of_an_aborted_upload_are_removed(parted: Site) -> None:
    """The store drops the parts and accepts no more."""
    site, folder = parted, await parted.folder("aborted")
    [target] = await announce(site, folder, [File("large.txt", "PLAIN_TEXT", LARGE)])
    [part] = await sign(site, target["itemUuid"], 1)
    part["size"] = int(part["size"])
    assert (await send_part(site, part)).is_success
    stored = await part_counter(site, target["objectKey"])
    assert await stored() == 1
    await site.done("abortUploads", {"itemUuids": [target["itemUuid"]]}, "removedItemsCount")
    async with asyncio.timeout(10):
        while await stored():
            await asyncio.sleep(0.05)
    assert not (await send_part(site, part)).is_success
    await check_all(site.services)
