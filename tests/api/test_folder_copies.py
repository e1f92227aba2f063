"""Copies of folders with everything below them, as far as whoever copies sees it."""

from typing import Any

import pytest

from gateway.media import samples
from tests.api.test_identity import mask, member
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_group, upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of
from tests.fixtures.sites import Site
from tests.fixtures.studies import download, upload_dicom
from tests.fixtures.uploading import File, announce

pytestmark = pytest.mark.asyncio(loop_scope="module")
STARTED = "folder { uuid name } nameOutcome job { uuid kind sourceFolder { uuid } folder { uuid } unitsTotalCount }"
ENDED = "outcome error unitsDoneCount unitsPendingCount unitsErrorCount unitsCancelledCount"
COUNTS = f"{ENDED} ... on FolderCopyJob {{ skippedCount }}"
ITEM = "uuid name description clientMetadata itemType sha256 url folderUuid owner { email } copyOf { uuid }"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def text(name: str) -> File:
    """Return a text file with a name."""
    return File(name, "PLAIN_TEXT", name.encode())


async def copy_tree(
    site: Site, folder: str, target: str, who: str = "admin", **more: Any
) -> tuple[str, dict[str, Any]]:
    """Copy a folder; return the copy and the job that has ended."""
    given = {"folderUuid": folder, "targetFolderUuid": target, **more}
    started = await site.done("copyStorageFolder", given, STARTED, who)
    assert started["job"]["folder"] == {"uuid": started["folder"]["uuid"]}
    await site.wait_while("PENDING", "job", started["job"]["uuid"], who)
    return str(started["folder"]["uuid"]), await site.see("job", started["job"]["uuid"], COUNTS, who)


async def tree(site: Site, folder: str, who: str = "admin") -> dict[str, dict[str, Any]]:
    """Return the items of a folder and below by their paths from it, with those shared into folders."""
    found: dict[str, dict[str, Any]] = {}
    selection = f"items {{ nodes {{ {ITEM} }} }} subfolders {{ nodes {{ uuid name }} }}"
    seen = await site.see("storageFolder", folder, selection, who)
    for item in seen["items"]["nodes"]:
        found[item["name"]] = item
    for child in seen["subfolders"]["nodes"]:
        found[child["name"] + "/"] = child
        below = await tree(site, child["uuid"], who)
        found |= {f"{child['name']}/{path}": item for path, item in below.items()}
    return found


async def members_of(site: Site, group: str, who: str = "admin") -> list[str]:
    """Return the members of a group."""
    seen = await site.see("storageItem", group, "children { nodes { uuid } }", who)
    return [node["uuid"] for node in seen["children"]["nodes"]]


def done(units: int, skipped: int = 0) -> dict[str, Any]:
    """Return the end of a job that has copied so many folders and items."""
    nothing = {"error": None, "unitsPendingCount": 0, "unitsErrorCount": 0, "unitsCancelledCount": 0}
    return {"outcome": "SUCCEEDED", "unitsDoneCount": units, "skippedCount": skipped, **nothing}


async def test_a_tree_is_copied_with_all_that_belongs_to_it(site: Site) -> None:
    """Folders, items, metadata, files, groups and shares; what the original has later is not in the copy.

    GIR-CMP-10.
    """
    top, target, outside = await site.folder("top"), await site.folder("target"), await site.folder("outside")
    about = {"folderUuid": top, "description": "d", "clientMetadata": {"k": [1]}}
    await site.done("updateStorageFolder", about, "folder { uuid }")
    inner = await site.folder("inner", top)
    await site.folder("empty", inner)
    [a] = await upload_items(site, top, [text("a.txt")])
    await site.done("updateStorageItem", {"itemUuid": a, "clientMetadata": {"x": 1}}, "item { uuid }")
    several = await empty_item(site, inner, "several")
    await add_files(site, inner, several, [File("1", "FILE", b"1"), File("2", "FILE", b"2")])
    images, frames = await upload_group(site, inner, [File(f"{n}.png", "IMAGE", samples.png(n + 1, 2)) for n in (1, 2)])
    wanted = {"folderUuid": top, "groups": [{"grid": {"name": "both", "layoutContents": [a, images]}}]}
    await site.done("createDataGroups", wanted, "")
    [elsewhere] = await upload_items(site, outside, [text("shared.txt")])
    await site.done("shareStorageItems", {"itemUuids": [elsewhere], "folderUuid": inner}, "folder { uuid }")
    await site.done("shareStorageItems", {"itemUuids": [a], "folderUuid": inner}, "folder { uuid }")

    before = await tree(site, top)
    copy, job = await copy_tree(site, top, target)
    made = await tree(site, copy)
    # Three folders, six items and two shares.
    assert job == done(3 + 6 + 2)
    assert made.keys() == before.keys()
    same = ("name", "description", "clientMetadata", "itemType", "sha256", "url")
    for path, item in before.items():
        if path.endswith("/"):
            continue
        assert {key: made[path][key] for key in same} == {key: item[key] for key in same}, path
        is_original = path == "inner/shared.txt"
        assert (made[path]["uuid"] == item["uuid"]) is is_original
        assert made[path]["copyOf"] == (None if is_original else {"uuid": item["uuid"]})
    assert made["inner/a.txt"] == made["a.txt"]
    assert await members_of(site, made["inner/group"]["uuid"]) == [made[f"inner/{n}.png"]["uuid"] for n in (1, 2)]
    assert await members_of(site, made["both"]["uuid"]) == [made["a.txt"]["uuid"], made["inner/group"]["uuid"]]
    assert await members_of(site, images) == frames
    assert [file["name"] for file in await files_of(site, made["inner/several"]["uuid"])] == ["1", "2"]
    folder = await site.see("storageFolder", copy, "name description clientMetadata summary(recursive: true) { files }")
    assert folder == {"name": "top", "description": "d", "clientMetadata": {"k": [1]}, "summary": {"files": 5}}
    await site.done("deleteStorageFolder", {"folderUuid": top, "recursive": True}, "folderUuid")
    assert await download(site, made["a.txt"]["uuid"]) == b"a.txt"


async def test_what_is_hidden_is_neither_copied_nor_counted(site: Site) -> None:
    """A member without a grant sees a public folder but not the private one in it; items belong to them."""
    public, outside = await site.folder("public"), await site.folder("outside")
    await site.done("setStorageFolderVisibility", {"folderUuid": public, "visibility": "PUBLIC"}, "folder { uuid }")
    private = await site.folder("private", public)
    await site.done("setStorageFolderVisibility", {"folderUuid": private, "visibility": "PRIVATE"}, "folder { uuid }")
    shown = await site.folder("shown", private)
    await site.done("setStorageFolderVisibility", {"folderUuid": shown, "visibility": "PUBLIC"}, "folder { uuid }")
    await upload_items(site, private, [text("secret.txt")])
    await upload_items(site, public, [text("open.txt")])
    [theirs] = await upload_items(site, outside, [text("theirs.txt")])
    await site.done("shareStorageItems", {"itemUuids": [theirs], "folderUuid": public, "allowPublic": True}, "")
    who = await site.newcomer()
    own = await site.folder("own", who=who)
    copy, job = await copy_tree(site, public, own, who)
    assert job == done(3)
    made = await tree(site, copy, who)
    assert set(made) == {"open.txt", "theirs.txt"}
    assert all(item["owner"]["email"] == who and item["folderUuid"] == copy for item in made.values())
    # Only ADMIN of its own folder could share it, so it was copied.
    assert made["theirs.txt"]["copyOf"] == {"uuid": theirs}
    seen = await site.see("storageFolder", copy, "visibility summary { sharedItems }", who)
    assert (seen["visibility"], seen["summary"]["sharedItems"]) == ("PRIVATE", 0)
    copy, job = await copy_tree(site, public, own)
    assert job == done(6)
    assert set(await tree(site, copy)) == {
        *("open.txt", "theirs.txt", "private/", "private/secret.txt", "private/shown/"),
    }


async def test_roles(site: Site) -> None:
    """VIEWER of the folder and USER of the target are needed."""
    home, target, group = await site.folder("home"), await site.folder("target"), await site.group("g")
    who = await site.newcomer(group)
    own = await site.folder("own", who=who)
    hidden = {"folderUuid": home, "targetFolderUuid": own}
    there = {"folderUuid": home, "targetFolderUuid": target}
    async with assert_unchanged(site):
        assert await site.refused("copyStorageFolder", hidden, who) == [("NOT_FOUND", "input.folderUuid")]
    await site.grant(home, group, "VIEWER")
    async with assert_unchanged(site):
        assert await site.refused("copyStorageFolder", there, who) == [("NOT_FOUND", "input.targetFolderUuid")]
    await site.grant(target, group, "VIEWER")
    async with assert_unchanged(site):
        assert await site.refused("copyStorageFolder", there, who) == [("FORBIDDEN", "input.targetFolderUuid")]
    await copy_tree(site, home, own, who)


async def test_a_folder_is_not_copied_into_itself(site: Site) -> None:
    """Nor below itself, nor too deep; into its own parent it is."""
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    for target in (top, inner):
        given = {"folderUuid": top, "targetFolderUuid": target}
        assert await site.refused("copyStorageFolder", given) == [("BAD_USER_INPUT", "input.targetFolderUuid")]
    _, job = await copy_tree(site, inner, top)
    assert job == done(1)
    deep = await site.folder("0")
    for number in range(1, 63):
        deep = await site.folder(str(number), deep)
    await copy_tree(site, inner, deep)
    async with assert_unchanged(site):
        given = {"folderUuid": top, "targetFolderUuid": deep}
        assert await site.refused("copyStorageFolder", given) == [("LIMIT_EXCEEDED", "input.targetFolderUuid")]


async def test_names_and_repeated_requests(site: Site) -> None:
    """The rule is about the copy of the folder itself; the same request with a key makes one copy."""
    top, target = await site.folder("Data"), await site.folder("target")
    await upload_items(site, top, [text("a.txt")])
    given = {"folderUuid": top, "targetFolderUuid": target}
    await copy_tree(site, top, target)
    assert await site.refused("copyStorageFolder", {**given, "ifNameTaken": "REUSE"}) == [
        ("BAD_USER_INPUT", "input.ifNameTaken")
    ]
    assert await site.refused("copyStorageFolder", {**given, "ifNameTaken": "REFUSE"}) == [("CONFLICT", "input.name")]
    assert await site.refused("copyStorageFolder", {**given, "name": ""}) == [("BAD_USER_INPUT", "input.name")]
    again = {**given, "ifNameTaken": "RENAME", "idempotencyKey": "k"}
    first = await site.done("copyStorageFolder", again, STARTED)
    assert (first["folder"]["name"], first["nameOutcome"]) == ("Data (1)", "RENAMED")
    assert (await site.done("copyStorageFolder", again, STARTED))["job"] == first["job"]
    named = await site.done("copyStorageFolder", {**given, "name": "Other"}, STARTED)
    assert (named["folder"]["name"], named["nameOutcome"]) == ("Other", "AS_GIVEN")
    for started in (first, named):
        await site.wait_while("PENDING", "job", started["job"]["uuid"])
    seen = await site.see("storageFolder", target, "subfolders { nodes { name } } summary(recursive: true) { files }")
    assert sorted(node["name"] for node in seen["subfolders"]["nodes"]) == ["Data", "Data (1)", "Other"]
    assert seen["summary"]["files"] == 3


async def test_nothing_is_published_by_accident(site: Site) -> None:
    """A private folder comes into a public one only if that is said; what was made private remains so."""
    top, public = await site.folder("top"), await site.folder("public")
    await site.done("setStorageFolderVisibility", {"folderUuid": public, "visibility": "PUBLIC"}, "folder { uuid }")
    inner = await site.folder("inner", top)
    await site.done("setStorageFolderVisibility", {"folderUuid": inner, "visibility": "PRIVATE"}, "folder { uuid }")
    for place in (top, inner):
        await upload_items(site, place, [text("a.txt")])
    async with assert_unchanged(site):
        given = {"folderUuid": top, "targetFolderUuid": public}
        assert await site.refused("copyStorageFolder", given) == [("CONFLICT", "input.folderUuid")]
    copy, job = await copy_tree(site, inner, public)
    assert job == done(2)
    who = await site.newcomer()
    assert await site.see("storageFolder", copy, "uuid", who) is None
    copy, job = await copy_tree(site, top, public, allowPublic=True)
    assert job == done(4)
    assert set(await tree(site, copy, who)) == {"a.txt"}
    selection = "jobs(filter: {kinds: [FOLDER_COPY]}) { nodes { uuid } }"
    assert await site.ask(f"{{ {selection} }}", {}, who) == {"jobs": {"nodes": []}}


async def test_what_has_no_content_is_left_out(site: Site) -> None:
    """Placeholders are counted; so is a group of which the caller may not use a member outside."""
    top, target, outside = await site.folder("top"), await site.folder("target"), await site.folder("outside")
    group = await site.group("readers")
    who = await site.newcomer(group)
    for place, role in ((top, "VIEWER"), (target, "USER"), (outside, "VIEWER")):
        await site.grant(place, group, role)
    await announce(site, top, [text("w")])
    [a] = await upload_items(site, top, [text("a.txt")])
    [b] = await upload_items(site, outside, [text("b.txt")])
    wanted = {"folderUuid": top, "groups": [{"grid": {"name": "g", "layoutContents": [a, b]}}]}
    await site.done("createDataGroups", wanted, "")
    copy, job = await copy_tree(site, top, target, who)
    assert job == done(2, skipped=2)
    assert set(await tree(site, copy, who)) == {"a.txt"}
    copy, job = await copy_tree(site, top, target)
    assert job == done(3, skipped=1)
    made = await tree(site, copy)
    assert await members_of(site, made["g"]["uuid"]) == [made["a.txt"]["uuid"], b]


async def test_masked_folders_stay_masked(site: Site) -> None:
    """Without seesPhi nothing leaves a masked tree; with it, the copy of a masked folder is masked."""
    top, target = await site.folder("top"), await site.folder("target")
    inner = await site.folder("inner", top)
    await mask(site, inner)
    await upload_dicom(site, inner, [samples.dicom_file(1)])
    who = await member(site, top, "ADMIN", phi=False)
    own = await site.folder("own", who=who)
    async with assert_unchanged(site):
        given = {"folderUuid": inner, "targetFolderUuid": own}
        assert await site.refused("copyStorageFolder", given, who) == [("FORBIDDEN", "input.folderUuid")]
    copy, job = await copy_tree(site, top, own, who)
    assert job == done(2, skipped=1)
    assert set(await tree(site, copy, who)) == {"inner/"}
    copy, job = await copy_tree(site, top, target)
    assert job == done(3)
    made = await tree(site, copy)
    assert len(made) == 2
    masked = await site.see("storageFolder", made["inner/"]["uuid"], "phiPolicy")
    assert masked == {"phiPolicy": "MASKED"}


async def test_a_limited_key_copies_nothing_outside_its_folder(site: Site) -> None:
    """Items that are shared into the tree are seen there, and so copied: their own folder is not."""
    top, outside = await site.folder("top"), await site.folder("outside")
    source = await site.folder("source", top)
    [a] = await upload_items(site, outside, [text("a.txt")])
    await site.done("shareStorageItems", {"itemUuids": [a], "folderUuid": source}, "folder { uuid }")
    made = await site.done("createApiKey", {"name": "k", "folderUuid": top}, "token")
    site.keys["limited"] = made["token"]
    copy, job = await copy_tree(site, source, top, "limited")
    assert job == done(2)
    assert (await tree(site, copy))["a.txt"]["copyOf"] == {"uuid": a}
    given = {"folderUuid": source, "targetFolderUuid": outside}
    assert await site.refused("copyStorageFolder", given, "limited") == [("NOT_FOUND", "input.targetFolderUuid")]
