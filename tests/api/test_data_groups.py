"""Data groups: items in one of three layouts, with a result for each group."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.invariants import check_counters
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce

LAYOUT = (
    "layoutType layout timeline contents { key item { uuid } } "
    "layoutSettings { fixedLayout hasMultilayerLabels tileSettings { key title isReadOnly } }"
)
GROUP = f"... on DataGroupItem {{ layout {{ {LAYOUT} }} }}"
RESULTS = f"results {{ item {{ uuid name itemType {GROUP} }} userErrors {{ code path }} }}"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def images(*sizes: tuple[int, int]) -> list[File]:
    """Return images of these sizes."""
    return [File(f"{index}.png", "IMAGE", samples.png(*size, seed=index)) for index, size in enumerate(sizes)]


async def world(site: Site, *sizes: tuple[int, int]) -> tuple[str, list[str]]:
    """Create a folder with images in it."""
    folder = await site.folder("laid out")
    return folder, await upload_items(site, folder, images(*(sizes or [(16, 16)] * 4)))


async def make(site: Site, folder: str, *groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the payload of creating groups."""
    return await site.do("createDataGroups", {"folderUuid": folder, "groups": list(groups), **more}, RESULTS)


def tile(key: str) -> dict[str, Any]:
    """Return a tile of a layout."""
    return {"tile": {"key": key}}


def custom(items: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a custom group with these items under their keys."""
    return {"custom": {"contents": [{"key": key, "itemUuid": uuid} for key, uuid in items.items()], **more}}


async def test_grids_and_carousels_have_default_layouts(site: Site) -> None:
    """Grids and carousels are laid out by default, and data groups have their own counter.

    Inventory: ENC-FOLDEROP-37, ENC-FOLDEROP-38, ENC-DGG, ENC-DGC, ENC-GINFO, ENC-GTREE,
    ENC-ISUM-05, ENC-ENUM-12, SUB-087, SUB-081.
    """
    folder, uuids = await world(site)
    grid = {"grid": {"layoutContents": uuids[:3], "name": "Grid", "clientMetadata": {"a": 1}}}
    payload = await make(site, folder, grid, {"carousel": {"layoutContents": uuids}})
    assert payload["userErrors"] == []
    first, second = (result["item"] for result in payload["results"])
    assert (first["name"], first["itemType"]) == ("Grid", "GROUP")
    assert second["name"].startswith("group-")
    info = first["layout"]
    assert (info["layoutType"], info["timeline"]) == ("GRID", [])
    assert info["contents"] == [{"key": str(index), "item": {"uuid": uuid}} for index, uuid in enumerate(uuids[:3])]
    upper = {"direction": "ROW", "first": tile("0"), "second": tile("1"), "splitPercentage": 50.0}
    split = {"direction": "COLUMN", "first": {"grid": upper}, "second": tile("2")}
    assert info["layout"] == {"grid": {**split, "splitPercentage": pytest.approx(66.667, abs=0.001)}}
    assert info["layoutSettings"] == {"fixedLayout": False, "hasMultilayerLabels": None, "tileSettings": None}
    info = second["layout"]
    strip = {"keys": ["0", "1", "2", "3"], "carouselPosition": "BOTTOM", "carouselSize": 25.0}
    assert (info["layoutType"], info["layout"]) == ("CAROUSEL", {"carousel": strip})
    seen = await site.ask(
        f"""query($f: UUID!, $g: UUID!, $i: UUID!) {{
        storageFolder(uuid: $f) {{ summary {{ groups images files }} }}
        storageItem(uuid: $g) {{ clientMetadata fileSize signedUrl {{ url }} signedUrlUnavailableReason
          children {{ edges {{ frameNumber node {{ uuid }} }} }} {GROUP} }}
        image: storageItem(uuid: $i) {{ groupsContaining {{ nodes {{ name }} }} __typename }}
        }}""",
        {"f": folder, "g": first["uuid"], "i": uuids[0]},
    )
    assert seen["storageFolder"]["summary"] == {"groups": 2, "images": 4, "files": 4}
    group = seen["storageItem"]
    assert (group["clientMetadata"], group["signedUrlUnavailableReason"]) == ({"a": 1}, "NOT_A_SINGLE_OBJECT")
    assert [edge["node"]["uuid"] for edge in group["children"]["edges"]] == uuids[:3]
    assert group["layout"] == first["layout"]
    assert len(seen["image"]["groupsContaining"]["nodes"]) == 2
    assert seen["image"]["__typename"] == "ImageItem"
    await check_counters(site.services.database)


async def test_custom_layouts(site: Site) -> None:
    """A tree with settings and a timeline is returned as it was sent.

    Inventory: ENC-DGX, ENC-GSET, ENC-GTREE-01 to -03.
    """
    folder, (a, b, c, d) = await world(site, (16, 16), (32, 32), (8, 8), (16, 16))
    strip = {"carousel": {"keys": ["b", "c"], "carouselPosition": "LEFT", "carouselSize": 10.0}}
    split = {"direction": "ROW", "first": tile("a"), "second": strip, "splitPercentage": 95.0}
    settings = {"fixedLayout": True, "hasMultilayerLabels": True, "tileSettings": [{"key": "a", "title": "A"}]}
    wanted = custom({"a": a, "b": b, "c": c, "d": d}, layout={"grid": split}, timeline=["d"], settings=settings)
    on_timeline = custom({"x": a}, timeline=["x"], name="T")
    payload = await make(site, folder, wanted, on_timeline)
    assert payload["userErrors"] == []
    first, second = (result["item"]["layout"] for result in payload["results"])
    assert (first["layoutType"], first["layout"], first["timeline"]) == ("CUSTOM", {"grid": split}, ["d"])
    tiles = [{"key": "a", "title": "A", "isReadOnly": False}]
    assert first["layoutSettings"] == {"fixedLayout": True, "hasMultilayerLabels": True, "tileSettings": tiles}
    assert [entry["key"] for entry in first["contents"]] == ["a", "b", "c", "d"]
    assert (second["layout"], second["timeline"]) == (None, ["x"])


BOTH = {"grid": {"direction": "ROW", "first": tile("a"), "second": tile("b")}}
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("contents", {"contents": []}, "BAD_USER_INPUT"),
    ("contents.1.key", {"contents": [{"key": "a", "itemUuid": 0}, {"key": "a", "itemUuid": 1}]}, "BAD_USER_INPUT"),
    ("contents.1", {"contents": [{"key": "a", "itemUuid": 0}, {"key": "b", "itemUuid": 0}]}, "BAD_USER_INPUT"),
    ("contents.0.key", {"contents": [{"key": "", "itemUuid": 0}]}, "BAD_USER_INPUT"),
    ("contents.0.itemUuid", {"contents": [{"key": "a", "itemUuid": UNKNOWN}], "layout": tile("a")}, "NOT_FOUND"),
    ("layout", {"layout": None}, "BAD_USER_INPUT"),
    ("layout", {"layout": tile("a")}, "BAD_USER_INPUT"),
    ("layout", {"layout": None, "timeline": ["a"]}, "BAD_USER_INPUT"),
    ("layout.tile.key", {"layout": tile("z")}, "BAD_USER_INPUT"),
    ("layout.carousel.keys", {"layout": {"carousel": {"keys": []}}}, "BAD_USER_INPUT"),
    ("layout.carousel.carouselSize", {"layout": {"carousel": {"keys": ["a"], "carouselSize": 71}}}, "BAD_USER_INPUT"),
    (
        "layout.grid.splitPercentage",
        {"layout": {"grid": {"direction": "ROW", "first": tile("a"), "second": tile("b"), "splitPercentage": 4.9}}},
        "BAD_USER_INPUT",
    ),
    ("layout.1", {"layout": {"grid": {"direction": "ROW", "first": tile("a"), "second": tile("a")}}}, "BAD_USER_INPUT"),
    ("timeline", {"timeline": ["z"]}, "BAD_USER_INPUT"),
    ("settings.tileSettings.0.key", {"settings": {"tileSettings": [{"key": "z"}]}}, "BAD_USER_INPUT"),
    ("settings.hasMultilayerLabels", {"settings": {"hasMultilayerLabels": True}}, "BAD_USER_INPUT"),
    ("name", {"name": ".."}, "BAD_USER_INPUT"),
]


async def test_faults_in_a_layout_are_reported_by_path(site: Site) -> None:
    """Bad ranges, unknown or repeated keys and images of different shapes are refused.

    Nothing is created.

    Inventory: SUB-086.
    """
    folder, uuids = await world(site, (16, 16), (16, 8))
    groups: list[dict[str, Any]] = []
    known: dict[Any, str] = dict(enumerate(uuids))
    for _, fault, _ in FAULTS:
        whole = custom({"a": uuids[0], "b": uuids[1]}, layout=BOTH)["custom"] | fault
        entries = [
            {**entry, "itemUuid": known.get(entry["itemUuid"], entry["itemUuid"])} for entry in whole["contents"]
        ]
        groups.append({"custom": {**whole, "contents": entries}})
    groups.append({"grid": {"layoutContents": [f"{UNKNOWN[:-2]}{number:02}" for number in range(51)]}})
    groups.append({"carousel": {"layoutContents": uuids}})
    async with assert_unchanged(site):
        payload = await make(site, folder, *groups)
    actual = [(error["code"], ".".join(error["path"])) for error in payload["userErrors"]]
    expected = [(code, f"input.groups.{at}.custom.{path}") for at, (path, _, code) in enumerate(FAULTS)]
    assert actual == [*expected, ("LIMIT_EXCEEDED", f"input.groups.{len(FAULTS)}.grid.layoutContents")]
    assert [result["item"] for result in payload["results"]] == [None] * len(groups)
    assert payload["results"][-1]["userErrors"] == [{"code": "NOT_APPLIED", "path": ["input"]}]


async def test_all_contents_must_be_shown(site: Site) -> None:
    """Keys that neither the layout nor the timeline contains are reported."""
    folder, (a, b, c, _) = await world(site)
    document = (
        """mutation($i: CreateDataGroupsInput!) { createDataGroups(input: $i) { userErrors { message path } } }"""
    )
    group = custom({"a": a, "b": b, "c": c}, layout=tile("a"), timeline=["a"])
    said = await site.ask(document, {"i": {"folderUuid": folder, "groups": [group]}})
    path = ["input", "groups", "0", "custom", "layout"]
    expected = {"message": "Every key must be in the layout or on the timeline. Missing: b, c.", "path": path}
    assert said["createDataGroups"]["userErrors"] == [expected]


async def test_partial_success_and_idempotency(site: Site) -> None:
    """Each group has its result; the same idempotency key returns the same response.

    Inventory: ENC-FOLDEROP-38, ENC-BUNDLE.
    """
    folder, uuids = await world(site)
    waiting = (await announce(site, folder, [File("w", "IMAGE", b"w")]))[0]["itemUuid"]
    inner = (await make(site, folder, {"grid": {"layoutContents": uuids[:1]}}))["results"][0]["item"]["uuid"]
    groups = [{"grid": {"layoutContents": entry}} for entry in (uuids[:2], [waiting], [inner], [UNKNOWN], uuids[2:])]
    more = {"allowPartial": True, "idempotencyKey": "k"}
    payload = await make(site, folder, *groups, **more)
    codes = [[error["code"] for error in result["userErrors"]] for result in payload["results"]]
    assert codes == [[], ["CONFLICT"], ["BAD_USER_INPUT"], ["NOT_FOUND"], []]
    assert [result["item"] is None for result in payload["results"]] == [False, True, True, True, False]
    async with assert_unchanged(site):
        assert await make(site, folder, *groups, **more) == payload
        other = await site.refused("createDataGroups", {"folderUuid": folder, "groups": groups[:1], **more})
    assert other == [("CONFLICT", "input.idempotencyKey")]


async def test_hidden_items_stay_hidden_in_data_groups(site: Site) -> None:
    """Items that the viewer may not see cannot be grouped, and are hidden in groups of others."""
    here, mine = await world(site)
    _, hidden = await world(site)
    group, who = await site.group("seeing"), "groups@example.org"
    await site.user(who, groups=[group])
    await site.grant(here, group, "USER")
    mixed = {"grid": {"layoutContents": [mine[0], hidden[0]]}}
    refused = await site.refused("createDataGroups", {"folderUuid": here, "groups": [mixed]}, who)
    assert refused == [("NOT_FOUND", "input.groups.0.grid.layoutContents.1")]
    created = (await make(site, here, mixed))["results"][0]["item"]["uuid"]
    document = f"query($u: UUID!) {{ storageItem(uuid: $u) {{ {GROUP} }} }}"
    seen = (await site.ask(document, {"u": created}, who))["storageItem"]["layout"]
    assert [entry["item"] for entry in seen["contents"]] == [{"uuid": mine[0]}, None]


async def test_members_are_items_that_the_creator_may_change(site: Site) -> None:
    """Members cannot be removed, so viewers of an item cannot make it a member.

    Editors can: their group blocks the removal even if the item's owner does not see it, and the
    error says where to look.
    """
    folder, [image] = await world(site, (16, 16))
    team = await site.group("members")
    who = await site.newcomer(team)
    own = await site.folder("own", who=who)
    jobs: list[tuple[dict[str, Any], str]] = [
        ({"imageGroupsFromItems": [{"itemUuids": [image], "createVideo": video}]}, "imageGroupsFromItems.0.itemUuids.0")
        for video in (False, True)
    ]
    jobs.append(({"scenes": [{"title": "s", "scene": {"a": {"itemUuid": image}}}]}, "scenes.0.scene.a.itemUuid"))
    groups: list[tuple[dict[str, Any], str]] = [
        ({"grid": {"layoutContents": [image]}}, "grid.layoutContents.0"),
        ({"carousel": {"layoutContents": [image]}}, "carousel.layoutContents.0"),
        (custom({"a": image}, layout=tile("a")), "custom.contents.0.itemUuid"),
    ]
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            await site.grant(folder, team, role)
        async with assert_unchanged(site):
            for wanted, path in jobs:
                refused = await site.refused("startUploadJob", {"folderUuid": own, "items": wanted}, who)
                assert refused == [(code, f"input.items.{path}")]
            for group, path in groups:
                refused = await site.refused("createDataGroups", {"folderUuid": own, "groups": [group]}, who)
                assert refused == [(code, f"input.groups.0.{path}")]
    await site.grant(folder, team, "USER")
    assert await site.refused("createDataGroups", {"folderUuid": own, "groups": [groups[0][0]]}, who) == []
    await site.done("removeStorageFolderGroups", {"folderUuid": folder, "groupUuids": [team]}, "folder { uuid }")
    [error] = (await site.do("deleteStorageItems", {"itemUuids": [image]}, ""))["userErrors"]
    assert error["code"] == "CONFLICT"
    assert "groupsContaining" in error["message"]
    assert "site admin" in error["message"]


async def test_items_of_a_deleted_data_group_stay(site: Site) -> None:
    """Frames are removed with their file group, items of a data group are not.

    A frame stays if another file group, a data group or a dataset uses it; the mirror dataset of
    its folder counts only while its data rows may not be removed.

    Inventory: SUB-046, ENC-ITEMOP-06, ENC-DELIN-02.
    """
    folder = await site.folder("frames")
    sequence, frames = await upload_group(site, folder, images(*[(16, 16)] * 4))
    laid_out = (await make(site, folder, {"grid": {"layoutContents": frames[:1]}}))["results"][0]["item"]["uuid"]
    await create_dataset(site, "uses a frame", frames[1:2])
    gone = await site.done("deleteStorageItems", {"itemUuids": [sequence]}, "removedItemsCount")
    assert gone["removedItemsCount"] == 3
    assert await there(site, frames) == [True, True, False, False]
    gone = await site.done("deleteStorageItems", {"itemUuids": [laid_out]}, "removedItemsCount")
    assert gone["removedItemsCount"] == 1
    assert await there(site, frames[:1]) == [True]
    mirrored = await site.folder("mirrored")
    await create_dataset(site, "mirror", backingFolderUuid=mirrored)
    group, _ = await upload_group(site, mirrored, images((8, 8), (8, 8)))
    input = {"itemUuids": [group]}
    assert await site.refused("deleteStorageItems", input) == [("CONFLICT", "input.itemUuids.0")]
    gone = await site.done("deleteStorageItems", {**input, "allowMirrorDatasetChanges": True}, "removedItemsCount")
    assert gone["removedItemsCount"] == 3
    await check_counters(site.services.database)


async def there(site: Site, uuids: list[str]) -> list[bool]:
    """Return which of these items exist."""
    data = await site.ask("query($u: [UUID!]!) { storageItems(uuids: $u) { __typename } }", {"u": uuids})
    return [entry["__typename"] != "StorageItemInaccessible" for entry in data["storageItems"]]
