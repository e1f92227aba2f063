"""Image groups of existing images, and image sequences with a video that is encoded from them."""

import asyncio
import io
from typing import Any

import av
import pytest
from PIL import Image

from gateway.media import samples
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.invariants import check_all
from tests.fixtures.items import run_job, upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, count_items, item_facts, send_files, start_upload_job, wait_for_job

COLOURS = [(200, 30, 30), (30, 180, 30), (30, 30, 200), (200, 200, 30)]
SEQUENCE = (
    "children(frames: [0, 2]) { edges { frameNumber node { uuid } } } signedUrl { url } signedUrlUnavailableReason "
    "... on ImageSequenceItem { frameTotal } "
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


def images(*colours: tuple[int, int, int], size: tuple[int, int] = (32, 24)) -> list[File]:
    """Return images of one colour each."""
    created = [samples.encode_image(Image.new("RGB", size, colour), "PNG") for colour in colours]
    return [File(f"{index}.png", "IMAGE", data) for index, data in enumerate(created)]


async def ask(site: Site, uuid: str, selection: str = SEQUENCE) -> Any:
    """Return the attributes of an item."""
    return await site.see("storageItem", uuid, selection)


async def colours_of(site: Site, url: str) -> list[tuple[int, ...]]:
    """Return the colour of each frame of a video, rounded to tens."""
    data = (await site.client.get(url)).content
    with av.open(io.BytesIO(data), "r") as video:
        frames = [
            frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for frame in video.decode(video=0)
        ]
    return [tuple(int(round(value, -1)) for value in frame.reshape(-1, 3).mean(axis=0)) for frame in frames]


async def test_a_sequence_of_uploaded_images(site: Site) -> None:
    """Its video shows them in order, 25 a second, and they are its children.

    Inventory: ENC-FOLDEROP-29, ENC-UPIG-04, ENC-ENUM-01, ENC-FSUM-06, ENC-ITEM-33, SUB-022.
    """
    folder = await site.folder("filmed")
    frames = await send_files(site, folder, images(*COLOURS))
    entry = {"images": [{"placeholderUuid": uuid} for uuid in frames], "createVideo": True, "title": "Film"}
    job = await run_job(site, folder, {"imageGroups": [{**entry, "clientMetadata": {"a": 1}}]})
    [unit] = job["itemsWithNames"]
    item = await item_facts(site, unit["itemUuid"])
    expected = {"__typename": "ImageSequenceItem", "name": "Film", "clientMetadata": {"a": 1}, "isPlaceholder": False}
    assert item == {
        **item,
        **expected,
        "mimeType": "video/webm",
        "width": 32,
        "height": 24,
        "fps": 25.0,
        "frameCount": 4,
    }
    assert item["fileSize"] > 100
    sequence = await ask(site, item["uuid"])
    assert sequence["frameTotal"] == 4
    numbered = [(edge["frameNumber"], edge["node"]["uuid"]) for edge in sequence["children"]["edges"]]
    assert numbered == [(0, frames[0]), (2, frames[2])]
    assert await colours_of(site, sequence["signedUrl"]["url"]) == COLOURS
    summary = "query($u: UUID!) { storageFolder(uuid: $u) { summary { imageSequences images files } } }"
    counted = (await site.ask(summary, {"u": folder}))["storageFolder"]["summary"]
    assert counted == {"imageSequences": 1, "images": 4, "files": 5}
    await check_all(site.services)
    gone = await site.done("deleteStorageItems", {"itemUuids": [item["uuid"]]}, "removedItemsCount")
    assert gone["removedItemsCount"] == 5
    await check_all(site.services)


async def test_groups_of_existing_images(site: Site) -> None:
    """With or without a video; the images stay where they are.

    Inventory: ENC-UPI-05, ENC-UPIGI-01 to -04.
    """
    elsewhere, folder = await site.folder("images"), await site.folder("groups")
    uuids = await upload_items(site, elsewhere, [*images(*COLOURS[:2]), *images(COLOURS[2], size=(64, 48))])
    entries = [
        {"itemUuids": uuids[::-1], "createVideo": True, "clientMetadata": {"b": 2}},
        {"itemUuids": uuids[:2], "createVideo": False, "title": "Group"},
    ]
    job = await run_job(site, folder, {"imageGroupsFromItems": entries})
    sequence, group = [await item_facts(site, unit["itemUuid"]) for unit in job["itemsWithNames"]]
    assert (sequence["itemType"], sequence["clientMetadata"], sequence["frameCount"]) == ("IMAGE_SEQUENCE", {"b": 2}, 3)
    assert sequence["name"].startswith("image-sequence-")
    assert (sequence["width"], sequence["height"]) == (64, 48)
    assert (group["itemType"], group["name"], group["url"]) == ("IMAGE_GROUP", "Group", None)
    selection = "children { nodes { uuid folderUuid } }"
    children = (await ask(site, sequence["uuid"], selection))["children"]["nodes"]
    assert children == [{"uuid": uuid, "folderUuid": elsewhere} for uuid in uuids[::-1]]
    assert await count_items(site, folder) == 2
    assert await site.refused("deleteStorageItems", {"itemUuids": uuids[:1]}) == [("CONFLICT", "input.itemUuids.0")]
    await check_all(site.services)


async def test_items_that_are_no_images_make_no_group(site: Site) -> None:
    """Each is reported by position; `createVideo` is required.

    Inventory: SUB-056.
    """
    folder = await site.folder("no group")
    [image] = await upload_items(site, folder, images(COLOURS[0]))
    [text] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"text")])
    [waiting] = await send_files(site, folder, images(COLOURS[0]))
    who = "grouping@example.org"
    await site.user(who)
    own = await site.folder("own", who=who)
    faults: list[tuple[list[str], str, str]] = [
        ([], "BAD_USER_INPUT", ""),
        ([image, image], "BAD_USER_INPUT", ".1"),
        ([image, UNKNOWN], "NOT_FOUND", ".1"),
        ([text], "BAD_USER_INPUT", ".0"),
        ([waiting], "CONFLICT", ".0"),
    ]
    async with assert_unchanged(site):
        for uuids, code, path in faults:
            wanted = {"imageGroupsFromItems": [{"itemUuids": uuids, "createVideo": False}]}
            refused = await site.refused("startUploadJob", {"folderUuid": folder, "items": wanted})
            assert refused == [(code, f"input.items.imageGroupsFromItems.0.itemUuids{path}")]
        wanted = {"imageGroupsFromItems": [{"itemUuids": [image], "createVideo": False}]}
        refused = await site.refused("startUploadJob", {"folderUuid": own, "items": wanted}, who)
        assert refused == [("NOT_FOUND", "input.items.imageGroupsFromItems.0.itemUuids.0")]
        answer = await site.body(
            "mutation($i: StartUploadJobInput!) { startUploadJob(input: $i) { uploadJob { uuid } } }",
            {"i": {"folderUuid": folder, "items": {"imageGroupsFromItems": [{"itemUuids": [image]}]}}},
        )
        assert "createVideo" in answer["errors"][0]["message"]


async def test_a_sequence_with_a_bad_image_leaves_nothing(site: Site) -> None:
    """The error names the image; no frames and no video are left."""
    folder = await site.folder("bad")
    frames = await send_files(site, folder, [*images(*COLOURS), File("bad.png", "IMAGE", samples.png()[:70])])
    entry = {"images": [{"placeholderUuid": uuid} for uuid in frames], "createVideo": True}
    job = await wait_for_job(site, await start_upload_job(site, folder, {"imageGroups": [entry]}))
    assert job["status"] == "ERROR"
    assert job["errors"][0].startswith("bad.png: ")
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_frames_in_a_subfolder(site: Site) -> None:
    """The folder is created or reused, and only the group is above it.

    Inventory: ENC-QBODY-11.
    """
    folder = await site.folder("above")
    listed = (
        "query($u: UUID!) { storageFolder(uuid: $u) { items { nodes { name } } subfolders { nodes { uuid name } } } }"
    )
    uuids = []
    for number in range(2):
        file = {"name": f"{number}.png", "itemType": "IMAGE", "fileSize": 5}
        input = {"folderUuid": folder, "files": [file], "framesSubfolderName": "frames"}
        payload = await site.done("requestUploadUrls", input, "targets { itemUuid item { folder { name } } }")
        assert payload["targets"][0]["item"] == {"folder": {"name": "frames"}}
        uuids.append(payload["targets"][0]["itemUuid"])
    await site.done("abortUploads", {"itemUuids": uuids}, "removedItemsCount")
    below = (await site.ask(listed, {"u": folder}))["storageFolder"]["subfolders"]["nodes"]
    assert [element["name"] for element in below] == ["frames"]
    frames = await send_files(site, below[0]["uuid"], images(*COLOURS[:2]))
    entry = {"images": [{"placeholderUuid": uuid} for uuid in frames], "title": "Group", "createVideo": True}
    await run_job(site, folder, {"imageGroups": [entry]})
    assert (await site.ask(listed, {"u": folder}))["storageFolder"]["items"]["nodes"] == [{"name": "Group"}]
    assert await count_items(site, below[0]["uuid"]) == 2
    refused = await site.refused("requestUploadUrls", {**input, "framesSubfolderName": ".."})
    assert refused == [("BAD_USER_INPUT", "input.framesSubfolderName")]
    await check_all(site.services)


async def test_a_cancelled_sequence_leaves_nothing(site: Site) -> None:
    """Whether encoding was running or had not begun."""
    folder = await site.folder("cancelled")
    frames = await send_files(site, folder, images(*COLOURS * 40, size=(640, 480)))
    entry = {"images": [{"placeholderUuid": uuid} for uuid in frames], "createVideo": True}
    job = await start_upload_job(site, folder, {"imageGroups": [entry]})
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
    assert (await wait_for_job(site, job))["unitsCancelledCount"] == 1
    async with asyncio.timeout(10):  # the placeholders beyond the first hundred follow
        while await count_items(site, folder):
            await asyncio.sleep(0.05)
    await check_all(site.services)


async def test_a_manifest_can_create_the_same(site: Site) -> None:
    """Sequences, groups of existing images, time series with settings, and scenes together.

    Inventory: SUB-061.
    """
    folder = await site.folder("by manifest")
    uuids = await upload_items(site, folder, images(*COLOURS[:2]))
    url = (await item_facts(site, uuids[0]))["url"]
    [series] = await send_files(site, folder, [File("a.csv", "TIMESERIES", b"t,v\n1,2\n")])
    channels = [{"points": {"header": "v", "pointRadius": 3}}]
    manifest = {
        "imageGroups": [{"title": "Film", "createVideo": True, "images": [{"objectUrl": url}]}],
        "image_groups_from_items": [{"itemUuids": uuids, "createVideo": True}],
        "timeSeries": [{"placeholderUuid": series, "settings": {"channels": channels}}],
        "scenes": [{"title": "Scene", "scene": {"camera": {"itemUuid": uuids[1]}}}],
    }
    input = {"folderUuid": folder, "manifest": {"json": manifest}}
    payload = await site.done("startUploadJob", input, "uploadJob { uuid }")
    job = await wait_for_job(site, payload["uploadJob"]["uuid"])
    assert (job["status"], job["errors"]) == ("DONE", [])
    created = [await item_facts(site, entry["itemUuid"]) for entry in job["itemsWithNames"]]
    kinds = sorted((item["itemType"], item["frameCount"]) for item in created)
    assert kinds == [("IMAGE_SEQUENCE", 1), ("IMAGE_SEQUENCE", 2), ("SCENE", None), ("TIMESERIES", None)]
    await check_all(site.services)
