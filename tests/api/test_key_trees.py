"""API keys limited to a folder: what is outside does not exist, for site admins' keys, too (MID-CORE-35, SUB-134)."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.access_world import World
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_items
from tests.fixtures.mutation_inputs import MATRIX
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(shared_site: Site) -> World:
    """The world of the access matrix."""
    return await World(shared_site).fill()


async def limited_key(site: Site, folder: str, who: str = "admin", **more: Any) -> str:
    """Create a key for a folder, and return the name by which the site knows it."""
    given = {"name": "limited", "folderUuid": folder, **more}
    token = str((await site.done("createApiKey", given, "token", who))["token"])
    site.keys[token] = token
    return token


async def visible(site: Site, who: str) -> set[str]:
    """Return the names of all folders that a credential shows."""
    found = await site.ask("{ searchStorageFolders(first: 1000) { nodes { name } totalCount } }", who=who)
    names = [node["name"] for node in found["searchStorageFolders"]["nodes"]]
    assert len(names) == found["searchStorageFolders"]["totalCount"]
    return set(names)


async def test_no_mutation_reaches_out_of_the_tree(shared_site: Site, world: World) -> None:
    """A site admin's key for an empty folder changes nothing elsewhere, and nothing that is in no folder."""
    site = shared_site
    who = await limited_key(site, await site.folder("elsewhere"))
    for mutation, (_, build) in MATRIX.items():
        input = await build(world)
        await wait_until_removed(site)
        async with assert_unchanged(site):
            codes = {code for code, _ in await site.refused(mutation, input, who)}
            assert codes, f"{mutation} was done"
            assert codes <= {"NOT_FOUND", "FORBIDDEN"}, (mutation, codes)


async def test_nothing_is_put_or_moved_out_of_the_tree(shared_site: Site) -> None:
    site = shared_site
    home, other = await site.folder("home of keys"), await site.folder("other of keys")
    inner = await site.folder("inner", home)
    [item] = await upload_items(site, inner, [File("a", "PLAIN_TEXT", b"inside")])
    [hidden] = await upload_items(site, other, [File("b", "PLAIN_TEXT", b"outside")])
    who = await limited_key(site, home)
    root, away = {"newParentUuid": None}, {"newParentUuid": other}
    async with assert_unchanged(site):
        for mutation, input, code, field in (
            ("createStorageFolder", {"name": "root"}, "FORBIDDEN", "parentUuid"),
            ("createStorageFolder", {"name": "n", "parentUuid": other}, "NOT_FOUND", "parentUuid"),
            ("moveStorageFolders", {"folderUuids": [inner], **root}, "FORBIDDEN", "newParentUuid"),
            ("moveStorageFolders", {"folderUuids": [home], **root}, "FORBIDDEN", "newParentUuid"),
            ("moveStorageFolders", {"folderUuids": [inner], **away}, "NOT_FOUND", "newParentUuid"),
            ("moveStorageItems", {"itemUuids": [item], **away}, "NOT_FOUND", "newParentUuid"),
            ("moveStorageItems", {"itemUuids": [hidden], "newParentUuid": inner}, "NOT_FOUND", "itemUuids.0"),
            ("createDataset", {"title": "d"}, "FORBIDDEN", ""),
            ("createApiKey", {"name": "k", "folderUuid": other}, "NOT_FOUND", "folderUuid"),
        ):
            refused = code, f"input.{field}".removesuffix(".")
            assert await site.refused(mutation, input, who) == [refused], (mutation, input)
        digest = (await site.see("storageItem", hidden, "sha256"))["sha256"]
        assert await site.see("storageItem", hidden, "name", who) is None
    asked = {"name": "b", "itemType": "PLAIN_TEXT", "fileSize": 7, "sha256": digest}
    announced = await site.done(
        "requestUploadUrls", {"folderUuid": inner, "files": [asked]}, "targets { alreadyStored }", who
    )
    assert announced["targets"] == [{"alreadyStored": False}]


async def test_a_limited_key_works_inside_its_tree(shared_site: Site) -> None:
    """Its jobs are seen, too, and so are the keys that it makes, which are limited at least as much."""
    site = shared_site
    top = await site.folder("top of keys")
    home = await site.folder("limit", top)
    who = await limited_key(site, home)
    inner = await site.folder("below", home, who)
    assert await visible(site, who) == {"limit", "below"}
    assert (await site.ask("{ viewer { folderUuid } }", who=who))["viewer"]["folderUuid"] == home
    roots = await site.ask("{ storageFolders { nodes { uuid parent { uuid } } } }", who=who)
    assert roots["storageFolders"]["nodes"] == [{"uuid": home, "parent": None}]
    job = await upload(site, inner, [File("a", "PLAIN_TEXT", b"a"), File("b", "PLAIN_TEXT", b"b")], who)
    assert job["unitsDoneCount"] == 2
    shown = "apiKey { uuid folderUuid } token"
    child = await site.done("createApiKey", {"name": "child"}, shown, who)
    assert child["apiKey"]["folderUuid"] == home
    narrower = await site.done("createApiKey", {"name": "narrower", "folderUuid": inner}, shown, who)
    site.keys["narrower"] = narrower["token"]
    assert await visible(site, "narrower") == {"below"}
    listed = await site.ask("{ viewer { user { apiKeys { nodes { uuid } } } } }", who="narrower")
    assert [key["uuid"] for key in listed["viewer"]["user"]["apiKeys"]["nodes"]] == [narrower["apiKey"]["uuid"]]
    others = child["apiKey"]["uuid"], await World(site).key()
    async with assert_unchanged(site):
        for uuid in others:
            assert await site.refused("revokeApiKey", {"apiKeyUuid": uuid}, "narrower") == [
                ("NOT_FOUND", "input.apiKeyUuid")
            ]
    await site.done("deleteStorageFolder", {"folderUuid": inner, "recursive": True}, "folderUuid", who)
    assert await visible(site, who) == {"limit"}
    assert await visible(site, "narrower") == set()


async def test_a_tree_moves_with_its_folder_and_ends_with_it(shared_site: Site) -> None:
    site = shared_site
    here, there = await site.folder("here"), await site.folder("there")
    home = await site.folder("wandering", here)
    await site.folder("child", home)
    member = await site.newcomer(group := await site.group("wanderers"))
    await site.grant(here, group, "ADMIN")
    own, admins = await limited_key(site, home, member), await limited_key(site, home)
    assert await visible(site, own) == await visible(site, admins) == {"wandering", "child"}
    await site.done("moveStorageFolders", {"folderUuids": [home], "newParentUuid": there}, "newParent { uuid }")
    assert (await visible(site, own), await visible(site, admins)) == (set(), {"wandering", "child"})
    await site.grant(there, group, "VIEWER")
    assert await visible(site, own) == {"wandering", "child"}
    assert await site.refused("createStorageFolder", {"name": "n", "parentUuid": home}, own) == [
        ("FORBIDDEN", "input.parentUuid")
    ]
    await site.done("deleteStorageFolder", {"folderUuid": home, "recursive": True}, "folderUuid")
    for who in (own, admins):
        assert await visible(site, who) == set()
        assert await site.see("storageFolder", home, "name", who) is None
        assert (await site.ask("{ viewer { folderUuid } }", who=who))["viewer"]["folderUuid"] == home
    await wait_until_removed(site)
    assert [await visible(site, who) for who in (own, admins)] == [set(), set()]
    assert await site.refused("createStorageFolder", {"name": "n"}, admins) == [("FORBIDDEN", "input.parentUuid")]


async def test_what_is_in_no_folder_does_not_exist(shared_site: Site, world: World) -> None:
    """Datasets, integrations, other people and groups, and so the holders of roles on a folder."""
    site = shared_site
    who = await limited_key(site, world.home)
    for field, uuid in (
        ("dataset", world.dataset),
        ("cloudIntegration", world.integration),
        ("group", world.team),
        ("storageFolder", world.target),
    ):
        assert await site.see(field, uuid, "id", who) is None
    lists = await site.ask("{ users { nodes { email } } groups { totalCount } datasets { totalCount } }", who=who)
    assert lists == {
        "users": {"nodes": [{"email": "admin@localhost"}]},
        "groups": {"totalCount": 0},
        "datasets": {"totalCount": 0},
    }
    selection = "viewerRole groups { totalCount nodes { name } } permissions { grants { totalCount } }"
    shown = await site.see("storageFolder", world.home, selection, who)
    assert shown == {"viewerRole": "ADMIN", "groups": {"totalCount": 0, "nodes": []}, "permissions": None}
    assert (await site.see("storageItem", await world.item(), "permissions { grants { totalCount } }", who)) == {
        "permissions": None
    }
    answer = await site.body("{ storageFolders(scope: ORGANISATION) { nodes { uuid } } }", who=who)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    metrics = await site.client.get(f"{site.url}/metrics", headers=site.headers(who))
    assert metrics.status_code == 403


async def test_a_job_does_nothing_outside_the_tree_of_its_credential(shared_site: Site, world: World) -> None:
    """A job without a folder is seen with the tree; members of groups elsewhere stay."""
    site = shared_site
    video = await world.video()
    inside, outside = await limited_key(site, world.home), await limited_key(site, world.target)
    started = await site.done(
        "startVideoReencode", {"itemUuids": [video], "title": "t"}, "reencodeJob { uuid }", inside
    )
    uuid = started["reencodeJob"]["uuid"]
    assert (await site.see("reencodeJob", uuid, "uuid", inside))["uuid"] == uuid
    assert await site.see("reencodeJob", uuid, "uuid", outside) is None
    assert await site.refused("cancelJob", {"jobUuid": uuid}, outside) == [("NOT_FOUND", "input.jobUuid")]
    listed = await site.ask("{ reencodeJobs { nodes { uuid } } jobs(first: 500) { nodes { uuid } } }", who=outside)
    assert uuid not in {job["uuid"] for jobs in listed.values() for job in jobs["nodes"]}
    await asyncio.wait_for(site.wait_while("PENDING", "reencodeJob", uuid, inside), 60)
