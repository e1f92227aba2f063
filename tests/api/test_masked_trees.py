"""No way out of a masked folder for those who see no identities there: moves, copies and groups."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from gateway.media import samples
from tests.api.test_identity import mask, without_phi
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import empty_item, files_of
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEEDS = count(1000)
"""Seeds of pictures, so that no two wards have the same bytes."""
OUT = [("FORBIDDEN", "input.itemUuids.0")]


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


@dataclass
class Ward:
    """A masked tree, whose admin `who` sees no identities in it, and that admin's own tree.

    `inner` is below `top`, and `seen` is a further folder there where they do see identities.
    """

    site: Site
    who: str
    own: str
    top: str
    inner: str
    seen: str
    item: str
    scan: File

    async def move(self, uuid: str, target: str, who: str | None = None) -> list[tuple[str, str]]:
        """Move an item, and return the errors."""
        given = {"itemUuids": [uuid], "newParentUuid": target}
        return await self.site.refused("moveStorageItems", given, who or self.who)

    async def move_folder(self, uuid: str, target: str | None, who: str | None = None) -> list[tuple[str, str]]:
        """Move a folder, and return the errors."""
        given = {"folderUuids": [uuid], "newParentUuid": target}
        return await self.site.refused("moveStorageFolders", given, who or self.who)


async def build(site: Site) -> Ward:
    """Create the trees."""
    group = await site.group("curators")
    who = await site.newcomer(group)
    own, top = await site.folder("own", who=who), await site.folder("top")
    inner, seen = await site.folder("inner", top), await site.folder("seen", top)
    await mask(site, top)
    for folder, phi in ((top, False), (seen, True)):
        given = {"folderUuid": folder, "groupUuids": [group], "role": "ADMIN", "seesPhi": phi}
        await site.done("addStorageFolderGroups", given, "folder { uuid }")
    scan = File("scan", "IMAGE", samples.png(seed=next(SEEDS)))
    item = (await upload_items(site, inner, [scan]))[0]
    return Ward(site, who, own, top, inner, seen, item, scan)


async def test_items_stay_in_the_masked_tree(site: Site) -> None:
    """They move within it, but not to where the mover, or someone else, sees identities."""
    ward = await build(site)
    other = await site.folder("other masked", who=ward.who)
    foreign, guests = await site.folder("foreign masked"), await site.group("guests")
    for folder in (other, foreign):
        await mask(site, folder)
    await site.grant(foreign, guests, "USER")
    viewer = (await site.ask("{ viewer { user { uuid } } }", who=ward.who))["viewer"]["user"]["uuid"]
    await site.done("addGroupUsers", {"groupUuid": guests, "userUuids": [viewer]}, "group { uuid }")
    async with assert_unchanged(site):
        for target in (ward.own, other, foreign, ward.seen):
            assert await ward.move(ward.item, target) == OUT
    assert await ward.move(ward.item, ward.top) == []
    assert await ward.move(ward.item, ward.inner) == []
    own = (await upload_items(site, ward.own, [File("n", "PLAIN_TEXT", b"n")], ward.who))[0]
    assert await ward.move(own, ward.inner) == []
    assert await ward.move(own, ward.own) == OUT


async def test_others_may_take_items_out(site: Site) -> None:
    """Site admins, and whoever sees identities at the source; but not with a credential without."""
    ward = await build(site)
    scan = (await upload_items(site, ward.seen, [File("s", "IMAGE", samples.png(seed=10))]))[0]
    admin = await without_phi(site, "admin")
    assert await ward.move(ward.item, ward.own, admin) == OUT
    assert await ward.move(ward.item, ward.own, "admin") == []
    assert await ward.move(scan, ward.own, await without_phi(site, ward.who)) == OUT
    assert await ward.move(scan, ward.own) == []


async def test_folders_stay_in_the_masked_tree(site: Site) -> None:
    """Also those that are open themselves, but have a masked folder below."""
    ward = await build(site)
    out = [("FORBIDDEN", "input.folderUuids.0")]
    deep = await site.folder("deep", ward.inner)
    async with assert_unchanged(site):
        for target in (ward.own, ward.seen, None):
            assert await ward.move_folder(ward.inner, target) == out
        assert await ward.move_folder(ward.top, ward.own) == out
    assert await ward.move_folder(deep, ward.top) == []
    assert await ward.move_folder(ward.seen, ward.own) == []
    opened, group = await site.folder("opened"), await site.group("g")
    below = await site.folder("below", opened)
    await mask(site, below)
    who = await site.newcomer(group)
    await site.grant(opened, group, "ADMIN")
    own = await site.folder("own", who=who)
    middle = await site.folder("middle", opened)
    for target in (own, None, middle):
        assert await ward.move_folder(below, target, who) == out
    assert await ward.move_folder(opened, own, who) == out
    assert await ward.move_folder(middle, own, who) == []
    assert await ward.move_folder(opened, own, "admin") == []


async def test_moved_root_gives_no_identities(site: Site) -> None:
    """Whoever moves an open folder to the root becomes its creator; nothing there was masked to them."""
    group = await site.group("g")
    who = await site.newcomer(group)
    top = await site.folder("top")
    await site.grant(top, group, "ADMIN")
    inner = await site.folder("inner", top, who)
    given = {"folderUuids": [inner], "newParentUuid": None}
    await site.done("moveStorageFolders", given, "results { uuid }", who)
    assert await site.refused("updateStorageFolder", {"folderUuid": inner, "phiPolicy": "MASKED"}, who) == []
    assert await site.refused("updateStorageFolder", {"folderUuid": top, "phiPolicy": "MASKED"}, who) == [
        ("FORBIDDEN", "input.phiPolicy")
    ]


async def test_bytes_are_not_copied_out(site: Site) -> None:
    """By their digest or by the URL of their object, nor into a group that makes a video of them."""
    ward = await build(site)
    query = "query($u: UUID!) { storageItem(uuid: $u) { url sha256 } }"
    facts = (await site.ask(query, {"u": ward.item}, ward.who))["storageItem"]
    key = await without_phi(site, "admin")
    for who, stored in ((ward.who, False), (key, False), ("admin", True)):
        target = (await announce(site, ward.top, [ward.scan], who, sha256=facts["sha256"]))[0]
        assert target["alreadyStored"] is stored, who
    copied = {"folderUuid": ward.own, "items": {"images": [{"objectUrl": facts["url"]}]}}
    for who in (ward.who, key):
        refused = await site.refused("startUploadJob", copied, who)
        assert refused == [("NOT_FOUND", "input.items.images.0.objectUrl")], who
    assert await site.refused("startUploadJob", copied, "admin") == []
    for makes_video in (True, False):
        group = {"title": "g", "itemUuids": [ward.item], "createVideo": makes_video}
        made: dict[str, Any] = {"imageGroupsFromItems": [group]}
        refused = await site.refused("startUploadJob", {"folderUuid": ward.own, "items": made}, ward.who)
        assert refused == [("FORBIDDEN", "input.items.imageGroupsFromItems.0.itemUuids.0")]
        job = await start_upload_job(site, ward.top, made, ward.who)
        assert (await wait_for_job(site, job))["status"] == "DONE"
    grid = {"groups": [{"grid": {"layoutContents": [ward.item]}}]}
    refused = await site.refused("createDataGroups", {"folderUuid": ward.own, **grid}, ward.who)
    assert refused == [("FORBIDDEN", "input.groups.0.grid.layoutContents.0")]
    assert await site.refused("createDataGroups", {"folderUuid": ward.inner, **grid}, ward.who) == []


async def test_jobs_see_no_more_than_their_credential(site: Site) -> None:
    """Although they run later, as their user: what they begin is checked again."""
    ward = await build(site)
    key = await without_phi(site, "admin")
    facts = await site.see("storageItem", ward.item, "url")
    manifest = b'{"images": [{"objectUrl": "%s"}]}' % facts["url"].encode()
    for who, status in ((key, "ERROR"), ("admin", "DONE")):
        uploaded = await announce(site, ward.own, [File("m.json", "PLAIN_TEXT", manifest)], who)
        await site.client.put(uploaded[0]["url"], content=manifest, headers=uploaded[0]["uploadHeaders"])
        given = {"folderUuid": ward.own, "manifest": {"placeholderUuid": uploaded[0]["itemUuid"]}}
        payload = await site.done("startUploadJob", given, "uploadJob { uuid }", who)
        assert (await wait_for_job(site, payload["uploadJob"]["uuid"]))["status"] == status, who


async def test_datasets_give_no_bytes(site: Site) -> None:
    """A dataset may use masked items: who sees the dataset only does not see them, and others see no bytes."""
    ward = await build(site)
    created = await site.done("createDataset", {"title": "d"}, "dataset { uuid }", ward.who)
    dataset = created["dataset"]["uuid"]
    links = {"datasetUuid": dataset, "itemUuids": [ward.item]}
    selection = "dataRows { item { uuid signedUrl { url } } }"
    rows = (await site.done("linkItemsToDataset", links, selection, ward.who))["dataRows"]
    assert rows == [{"item": {"uuid": ward.item, "signedUrl": None}}]


async def test_files_of_placeholders_stay_in_the_masked_tree(site: Site) -> None:
    """A placeholder in a masked folder becomes no part of an item outside of it, nor is a file there shown."""
    group = await site.group("uploaders")
    who = await site.newcomer(group)
    top = await site.folder("open top")
    inner = await site.folder("masked below", top)
    await mask(site, inner)
    await site.grant(top, group, "USER")
    [placeholder] = await send_files(site, inner, [File("secret", "FILE", b"secret")])
    outside, inside = [await empty_item(site, folder) for folder in (top, inner)]
    entries = {"files": [{"placeholderUuid": placeholder}]}
    wanted: dict[str, Any] = {"folderUuid": top, "items": entries, "itemUuid": outside}
    refused = await site.refused("startUploadJob", wanted, who)
    assert refused == [("FORBIDDEN", "input.items.files.0.placeholderUuid")]
    job = await start_upload_job(site, top, entries, who, itemUuid=inside)
    assert (await wait_for_job(site, job))["status"] == "DONE"
    for number in (None, 1):
        [file] = await files_of(site, inside, number, who)
        assert (file["name"], file["signedUrl"]) == ("secret", None)
    selection = "signedUrl(revision: 1) { url } revision { bitstreams { signedUrl { url } } }"
    seen = await site.see("storageItem", inside, selection, who)
    assert seen == {"signedUrl": None, "revision": {"bitstreams": [{"signedUrl": None}]}}
    assert (await files_of(site, inside))[0]["signedUrl"]
