"""Large collections and tags are gone at once when they are deleted, and are removed step by step."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog import collections as catalog
from gateway.catalog import tags
from gateway.ids import global_id
from gateway.models.changes import ChangeRecord, changes
from gateway.models.collections import CollectionItemRecord, collection_items, collections
from gateway.models.tags import FolderTagRecord, OrganisationTagRecord, folder_tags, organisation_tags
from gateway.tasks import remove_folders
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import delete_folder, fill_folder
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site

JOB = "job { uuid title folder { uuid } unitsTotalCount }"
DELETED, UNTAGGED = f"deletedId {JOB}", f"untaggedFoldersCount {JOB}"
TAG = "organisationTag { uuid }"
MEMBER = "ann@example.org"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps so small that a few rows need several."""
    monkeypatch.setattr(catalog, "REMOVED_AT_ONCE", 30)
    monkeypatch.setattr(tags, "UNTAGGED_AT_ONCE", 30)
    monkeypatch.setattr(remove_folders, "ROWS", 20)
    monkeypatch.setattr(remove_folders, "STEPS_PER_TASK", 2)


async def filled_collection(site: Site, folder: str, uuids: list[str]) -> str:
    """Create a collection of items, and return its UUID."""
    given = {"topLevelFolderUuid": folder, "name": "Found"}
    payload = await site.done("createCollection", given, "collection { uuid }")
    uuid: str = payload["collection"]["uuid"]
    await site.done("addCollectionItems", {"collectionUuid": uuid, "itemUuids": uuids}, "failedItemUuids")
    return uuid


async def items_of(site: Site, collection: str) -> int:
    """Return the number of rows that a collection still has."""
    mine = sa.select(collection_items.c.item_uuid).where(collection_items.c.collection_uuid == UUID(collection))
    return len(await site.services.database.rows(mine, CollectionItemRecord))


async def deletions_in_journal(site: Site) -> list[tuple[str, str]]:
    """Return type and UUID of the objects whose deletion the journal has."""
    found = sa.select(changes.c.object_type, changes.c.object_uuid).where(changes.c.action == "DELETE")
    rows = await site.services.database.rows(found, ChangeRecord)
    return sorted((row.object_type, str(row.object_uuid)) for row in rows)


async def test_a_large_collection_is_deleted_at_once(idle_site: Site) -> None:
    """Nobody finds it before a worker has done anything; a killed removal goes on; the items stay."""
    site, folder = idle_site, await idle_site.folder("large")
    group = await site.group("all")
    await site.user(MEMBER, groups=[group])
    await site.grant(folder, group, "USER")
    uuids = await fill_folder(site, folder, 70)
    collection, kept = await filled_collection(site, folder, uuids), await filled_collection(site, folder, uuids[:30])
    wanted = {"collectionUuid": collection}
    payload = await site.done("deleteCollection", wanted, DELETED, MEMBER)
    job = payload["job"]["uuid"]
    expected = {"uuid": job, "title": "Found", "folder": {"uuid": folder}, "unitsTotalCount": 1}
    assert (payload["deletedId"], payload["job"]) == (global_id("Collection", UUID(collection)), expected)
    assert await deletions_in_journal(site) == [("Collection", collection)]
    for who, scope in (("admin", "ORGANISATION"), (MEMBER, "USER")):
        seen = await site.ask(
            """query($u: UUID!, $id: ID!, $scope: StorageScope!) { collection(uuid: $u) { uuid } node(id: $id) { id }
            collections { nodes { uuid } } storageFolders(scope: $scope) { totalCount } }""",
            {"u": collection, "id": payload["deletedId"], "scope": scope},
            who,
        )
        assert seen == {
            "collection": None,
            "node": None,
            "collections": {"nodes": [{"uuid": kept}]},
            "storageFolders": {"totalCount": 1},
        }
        for mutation, more in (
            ("deleteCollection", {}),
            ("updateCollection", {"name": "n"}),
            ("addCollectionItems", {"itemUuids": uuids[:1]}),
        ):
            assert await site.refused(mutation, wanted | more, who) == [("NOT_FOUND", "input.collectionUuid")]
    assert await remove_folders.take_step(site.services, UUID(job)) is False
    assert await items_of(site, collection) == 50
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
        await check_all(site.services)
    done = await site.see("job", job, "outcome unitsDoneCount unitsPendingCount")
    assert done == {"outcome": "SUCCEEDED", "unitsDoneCount": 1, "unitsPendingCount": 0}
    left = await site.services.database.rows(sa.select(collections.c.uuid), sa.Row)
    assert ([str(row.uuid) for row in left], await items_of(site, kept)) == ([kept], 30)
    assert await deletions_in_journal(site) == [("Collection", collection)]
    assert (await site.done("deleteCollection", {"collectionUuid": kept}, DELETED))["job"] is None


async def test_a_removal_outlives_the_folder_of_its_collection(idle_site: Site) -> None:
    site, above = idle_site, await idle_site.folder("above")
    folder = await site.folder("large", above)
    collection = await filled_collection(site, folder, await fill_folder(site, folder, 50))
    job = (await site.done("deleteCollection", {"collectionUuid": collection}, DELETED))["job"]["uuid"]
    deletion = await delete_folder(site, folder)
    assert (await site.see("job", job, "folder { uuid }"))["folder"] == {"uuid": above}
    async with background_worker(site.services):
        for uuid in (job, deletion):
            await site.wait_while("PENDING", "job", uuid)
        await check_all(site.services)
    assert await site.services.database.rows(sa.select(collections.c.uuid), sa.Row) == []


async def tag_of_folders(site: Site, name: str, folders: list[str]) -> str:
    """Create a tag, put it on folders, and return its UUID."""
    uuid: str = (await site.done("createOrganisationTag", {"name": name}, TAG))["organisationTag"]["uuid"]
    rows = [{"folder_uuid": UUID(folder), "tag_uuid": UUID(uuid)} for folder in folders]
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(folder_tags), rows)
    return uuid


async def tagged(site: Site, tag: str) -> int:
    """Return the number of folders that a tag still has."""
    mine = sa.select(folder_tags.c.folder_uuid).where(folder_tags.c.tag_uuid == UUID(tag))
    return len(await site.services.database.rows(mine, FolderTagRecord))


async def test_a_tag_of_many_folders_is_deleted_at_once(idle_site: Site) -> None:
    """Nobody finds it, or folders by it, while it is removed, and its name is free."""
    site = idle_site
    folders = [await site.folder(f"folder {number}") for number in range(50)]
    tag, kept = await tag_of_folders(site, "doomed", folders), await tag_of_folders(site, "kept", folders[:30])
    payload = await site.done("deleteOrganisationTag", {"name": "doomed"}, UNTAGGED)
    job = payload["job"]["uuid"]
    assert (payload["untaggedFoldersCount"], payload["job"]) == (
        50,
        {"uuid": job, "title": "doomed", "folder": None, "unitsTotalCount": 50},
    )
    assert await deletions_in_journal(site) == [("OrganisationTag", tag)]
    again = await tag_of_folders(site, "doomed", folders[-1:])
    await check_tags(site, tag, folders)
    for refused, name in (({"organisationTagUuid": tag}, "organisationTagUuid"), ({"name": UUID(tag).hex}, "name")):
        assert await site.refused("deleteOrganisationTag", refused) == [("NOT_FOUND", f"input.{name}")]
    more = {"folderUuid": folders[0], "organisationTagUuids": [tag]}
    for mutation in ("addStorageFolderTags", "removeStorageFolderTags"):
        assert await site.refused(mutation, more) == [("NOT_FOUND", "input.organisationTagUuids.0")]
    assert await remove_folders.take_step(site.services, UUID(job)) is False
    assert await tagged(site, tag) == 30
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    done = await site.see("job", job, "outcome unitsDoneCount unitsPendingCount")
    assert done == {"outcome": "SUCCEEDED", "unitsDoneCount": 50, "unitsPendingCount": 0}
    left = await site.services.database.rows(sa.select(organisation_tags.c.uuid), OrganisationTagRecord)
    assert sorted(str(row.uuid) for row in left) == sorted([kept, again])
    await check_tags(site, tag, folders)
    assert await deletions_in_journal(site) == [("OrganisationTag", tag)]
    small = await site.done("deleteOrganisationTag", {"name": "kept"}, UNTAGGED)
    assert (small["untaggedFoldersCount"], small["job"], await tagged(site, kept)) == (30, None, 0)


async def check_tags(site: Site, tag: str, folders: list[str]) -> None:
    """Assert that of two tags with the name `doomed` only the second is found, which the last folder has."""
    seen = await site.ask(
        """query($id: ID!, $first: UUID!, $hex: String!) { node(id: $id) { id }
        organisationTags { nodes { name } }
        storageFolder(uuid: $first) { organisationTags { totalCount nodes { name } } }
        named: storageFolders(filter: {organisationTagsAllOf: ["doomed"]}) { nodes { uuid } }
        unnamed: storageFolders(filter: {organisationTagsAllOf: [$hex]}) { totalCount } }""",
        {"id": global_id("OrganisationTag", UUID(tag)), "first": folders[0], "hex": UUID(tag).hex},
    )
    assert seen == {
        "node": None,
        "organisationTags": {"nodes": [{"name": "doomed"}, {"name": "kept"}]},
        "storageFolder": {"organisationTags": {"totalCount": 1, "nodes": [{"name": "kept"}]}},
        "named": {"nodes": [{"uuid": folders[-1]}]},
        "unnamed": {"totalCount": 0},
    }
