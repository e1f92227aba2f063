"""Scenes: single files, or documents that combine items and external files."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures import scenes
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.invariants import check_all
from tests.fixtures.items import run_job, upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, count_items, item_facts, send_files, start_upload_job, wait_for_job

SCENE = (
    "url childCount: children { totalCount } signedUrl { url } signedUrlUnavailableReason "
    "... on SceneItem { scene sceneFormat pointCount sceneViewSettings sceneLayout }"
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


async def ask(site: Site, uuid: str, selection: str = SCENE) -> Any:
    """Return the attributes of a scene."""
    return await site.see("storageItem", uuid, selection)


async def images(site: Site, folder: str, number: int) -> list[str]:
    """Upload images for a scene."""
    return await upload_items(site, folder, [File(f"{n}.png", "IMAGE", samples.png(seed=n)) for n in range(number)])


async def test_a_scene_of_one_file(site: Site) -> None:
    """Its format is detected, it can be downloaded, and scenes have their own counter.

    Unlike it, a composed scene has no single object.

    Inventory: ENC-UPI-11, ENC-FOLDEROP-25, ENC-UPSC-01, -03, -05, SUB-021, SUB-081.
    """
    folder = await site.folder("cloud")
    [waiting] = await send_files(site, folder, [File("a.ply", "SCENE", scenes.ply())])
    assert (await ask(site, waiting))["signedUrlUnavailableReason"] == "NOT_YET_STORED"
    entry = {"placeholderUuid": waiting, "title": "Cloud", "clientMetadata": {"a": 1}}
    await run_job(site, folder, {"scenes": [entry]})
    item = await item_facts(site, waiting)
    assert item == {**item, "__typename": "SceneItem", "name": "Cloud", "clientMetadata": {"a": 1}}
    scene = await ask(site, waiting)
    assert (scene["sceneFormat"], scene["pointCount"], scene["scene"]) == ("PLY", 3, None)
    again = {"title": "Again", "scene": {"url": scene["url"], "format": "PLY"}}
    job = await run_job(site, folder, {"scenes": [again]})
    assert (await ask(site, job["itemsWithNames"][0]["itemUuid"]))["url"] == scene["url"]
    assert (await site.client.get(scene["signedUrl"]["url"])).content == scenes.ply()
    summary = "query($u: UUID!) { storageFolder(uuid: $u) { summary { scenes files } } }"
    assert (await site.ask(summary, {"u": folder}))["storageFolder"]["summary"] == {"scenes": 2, "files": 2}
    await check_all(site.services)


async def test_a_composed_scene(site: Site) -> None:
    """Items become its children, external files stay where they are.

    Inventory: ENC-FOLDEROP-26, ENC-UPSC-02.
    """
    folder = await site.folder("composed")
    uuids = await images(site, folder, 2)
    cameras = [{"itemUuid": uuid, "frame": index} for index, uuid in enumerate([*uuids, uuids[0]])]
    document = {"cameras": cameras, "cloud": {"url": "https://example.org/cloud.pcd", "format": "PCD"}}
    job = await run_job(site, folder, {"scenes": [{"title": "All", "scene": document}]})
    [unit] = job["itemsWithNames"]
    assert unit["name"] == "All"
    scene = await ask(site, unit["itemUuid"])
    assert (scene["scene"], scene["childCount"], scene["sceneFormat"]) == (document, {"totalCount": 2}, None)
    assert (scene["signedUrl"], scene["signedUrlUnavailableReason"]) == (None, "NOT_A_SINGLE_OBJECT")
    refused = await site.refused("deleteStorageItems", {"itemUuids": uuids[:1]})
    assert refused == [("CONFLICT", "input.itemUuids.0")]
    gone = await site.done("deleteStorageItems", {"itemUuids": [unit["itemUuid"]]}, "removedItemsCount")
    assert gone["removedItemsCount"] == 1
    await check_all(site.services)


async def test_a_scene_of_urls_alone(site: Site) -> None:
    """A document that names no item has no children."""
    document = {"a": {"url": "https://example.org/a.pcd"}, "b": {"url": "https://example.org/b.pcd"}}
    job = await run_job(site, await site.folder("urls"), {"scenes": [{"title": "URLs", "scene": document}]})
    scene = await ask(site, job["itemsWithNames"][0]["itemUuid"])
    assert (scene["scene"], scene["childCount"]) == (document, {"totalCount": 0})
    await check_all(site.services)


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"scene": {"a": 1}}, "BAD_USER_INPUT", "scene"),
    ({"scene": {"a": [{"itemUuid": UNKNOWN}]}}, "NOT_FOUND", "scene.a.0.itemUuid"),
    ({"scene": {"a": {"itemUuid": "x"}}}, "BAD_USER_INPUT", "scene.a.itemUuid"),
    ({"scene": {"a": {"url": "file:///etc/passwd"}}}, "BAD_USER_INPUT", "scene.a.url"),
    ({"scene": {"a": {"url": "storegraph:///x"}}}, "BAD_USER_INPUT", "scene.a.url"),
    ({"scene": {"a": {"url": 5}}}, "BAD_USER_INPUT", "scene.a.url"),
    ({"scene": {"url": 5}}, "BAD_USER_INPUT", "scene.url"),
    ({"scene": [], "title": "x"}, "BAD_USER_INPUT", "scene"),
    ({"scene": {"a": {"url": "https://x.org/"}}, "title": ""}, "BAD_USER_INPUT", "title"),
    ({"scene": {"a": 1}, "objectUrl": "https://x.org/"}, "BAD_USER_INPUT", "objectUrl"),
    ({}, "BAD_USER_INPUT", "objectUrl"),
]


async def test_faults_in_a_scene_are_reported_by_path(site: Site) -> None:
    """Nothing is created; the title is required.

    Inventory: SUB-056.
    """
    folder = await site.folder("faults")
    async with assert_unchanged(site):
        for fault, code, path in FAULTS:
            input = {"folderUuid": folder, "items": {"scenes": [{"title": "t", **fault}]}}
            assert await site.refused("startUploadJob", input) == [(code, f"input.items.scenes.0.{path}")], fault
    answer = await site.body(
        "mutation($i: StartUploadJobInput!) { startUploadJob(input: $i) { uploadJob { uuid } } }",
        {"i": {"folderUuid": folder, "items": {"scenes": [{"scene": {}}]}}},
    )
    assert "title" in answer["errors"][0]["message"]


async def test_a_broken_file_has_a_reason(site: Site) -> None:
    """The unit reports it, and nothing is left of the file."""
    folder = await site.folder("broken")
    [waiting] = await send_files(site, folder, [File("a.ply", "SCENE", scenes.ply()[:-1])])
    wanted = {"scenes": [{"placeholderUuid": waiting, "title": "t"}]}
    job = await wait_for_job(site, await start_upload_job(site, folder, wanted))
    assert "truncated" in job["errors"][0]
    assert await count_items(site, folder) == 0


async def test_view_settings_of_a_scene(site: Site) -> None:
    """View settings and layout are set and reset independently.

    Inventory: ENC-PITEM-05, ENC-PITEM-06, SUB-031.
    """
    folder = await site.folder("shown")
    [image] = await images(site, folder, 1)
    job = await run_job(site, folder, {"scenes": [{"title": "s", "scene": {"a": {"itemUuid": image}}}]})
    uuid = job["itemsWithNames"][0]["itemUuid"]
    view = {"pointCloudColouring": "intensity", "pointRadius": 0.5, "radiusIndicators": [10.0, 20.0]}
    tiles = [{"id": "a", "title": "A", "settings": {"camera": 1}}, {"id": "b"}]
    split = {"direction": "ROW", "first": {"tile": {"key": "a"}}, "second": {"tile": {"key": "b"}}}
    layout = {"tiles": tiles, "layout": {"grid": split}, "timeline": ["b"]}
    await site.done(
        "updateStorageItem", {"itemUuid": uuid, "sceneViewSettings": view, "sceneLayout": layout}, "__typename"
    )
    scene = await ask(site, uuid)
    assert scene["sceneViewSettings"] == {**view, "renderImageOutsideBaseRange": None, "radiusFilterEnabled": None}
    stored = [tiles[0], {"id": "b", "title": None, "settings": {}}]
    assert scene["sceneLayout"] == {**layout, "tiles": stored, "layout": {"grid": {**split, "splitPercentage": 50.0}}}
    await site.done("updateStorageItem", {"itemUuid": uuid, "sceneViewSettings": None}, "__typename")
    scene = await ask(site, uuid)
    assert (scene["sceneViewSettings"], scene["sceneLayout"]["timeline"]) == (None, ["b"])
    bad: list[tuple[str, str, dict[str, Any]]] = [
        ("sceneLayout.tiles", "LIMIT_EXCEEDED", {"sceneLayout": {"tiles": []}}),
        ("sceneLayout.tiles.1.id", "BAD_USER_INPUT", {"sceneLayout": {"tiles": [{"id": "a"}, {"id": "a"}]}}),
        ("sceneLayout.timeline", "BAD_USER_INPUT", {"sceneLayout": {"tiles": [{"id": "a"}], "timeline": ["b"]}}),
        ("sceneViewSettings.pointRadius", "BAD_USER_INPUT", {"sceneViewSettings": {"pointRadius": 0}}),
        ("sceneViewSettings.radiusIndicators", "BAD_USER_INPUT", {"sceneViewSettings": {"radiusIndicators": [0]}}),
    ]
    async with assert_unchanged(site):
        for path, code, fault in bad:
            assert await site.refused("updateStorageItem", {"itemUuid": uuid, **fault}) == [(code, f"input.{path}")]
        refused = await site.refused("updateStorageItem", {"itemUuid": image, "sceneLayout": None})
        assert refused == [("BAD_USER_INPUT", "input.sceneLayout")]
