"""Many items that match a filter preset are added to a collection, or removed, step by step."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog import collecting
from gateway.models.collections import CollectionItemRecord, collection_items
from gateway.models.jobs import JobRecord, jobs
from gateway.tasks import collect_items
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import fill_folder
from tests.fixtures.sites import Site

ADDED = "addedItemsCount job { uuid removesItems collection { uuid } folder { uuid } unitsTotalCount unitsDoneCount }"
ENDED = "kind outcome error unitsDoneCount unitsPendingCount unitsErrorCount unitsCancelledCount"
REMOVED = ADDED.replace("added", "removed")
MEMBER = "ann@example.org"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps so small that a few items need several."""
    monkeypatch.setattr(collecting, "COLLECTED_AT_ONCE", 30)
    monkeypatch.setattr(collect_items, "ITEMS", 20)
    monkeypatch.setattr(collect_items, "STEPS_PER_TASK", 2)


async def members(site: Site, collection: str) -> list[str]:
    """Return the items that a collection has."""
    rows = sa.select(collection_items.c.item_uuid).where(collection_items.c.collection_uuid == UUID(collection))
    return sorted(str(row.item_uuid) for row in await site.services.database.rows(rows, CollectionItemRecord))


async def prepared(site: Site, folder: str, filter: dict[str, object]) -> dict[str, str]:
    """Create a collection and a preset in a folder; return the input that applies one to the other."""
    given = {"topLevelFolderUuid": folder, "name": "Found"}
    collection = await site.done("createCollection", given, "collection { uuid }")
    preset = await site.done("createFilterPreset", {**given, "filter": filter}, "filterPreset { uuid }")
    return {
        "collectionUuid": collection["collection"]["uuid"],
        "filterPresetUuid": preset["filterPreset"]["uuid"],
    }


async def fill_large(site: Site) -> tuple[str, list[str]]:
    """Create a folder of 85 items in two folders, of which a member is a user; return its UUID and the items."""
    group = await site.group("all")
    await site.user(MEMBER, groups=[group])
    folder = await site.folder("large")
    await site.grant(folder, group, "USER")
    inner = await site.folder("inner", folder)
    return folder, sorted(await fill_folder(site, inner, 60) + await fill_folder(site, folder, 25))


async def test_many_matching_items_are_added_and_removed_in_steps(idle_site: Site) -> None:
    """Each step takes effect as it commits; a killed one is continued, whatever changed meanwhile."""
    site = idle_site
    folder, uuids = await fill_large(site)
    wanted = await prepared(site, folder, {"search": "txt"})
    collection = wanted["collectionUuid"]
    await site.done("addCollectionItems", {"collectionUuid": collection, "itemUuids": uuids[:5]}, "failedItemUuids")
    added = await site.done("addCollectionPresetItems", wanted, ADDED, MEMBER)
    job = added["job"]["uuid"]
    assert (added["addedItemsCount"], added["job"]) == (
        30,
        {
            "uuid": job,
            "removesItems": False,
            "collection": {"uuid": collection},
            "folder": {"uuid": folder},
            "unitsTotalCount": 80,
            "unitsDoneCount": 30,
        },
    )
    assert await members(site, collection) == uuids[:35]
    assert await collect_items.collect_some(site.services, UUID(job)) is False
    assert await members(site, collection) == uuids[:55]
    await site.done("deleteFilterPreset", {"filterPresetUuid": wanted["filterPresetUuid"]}, "filterPresetUuid")
    one = {"collectionUuid": collection, "itemUuids": [uuids[0]]}
    await site.done("removeCollectionItems", one, "failedItemUuids")
    await site.done("deleteStorageItems", {"itemUuids": [uuids[54]]}, "removedItemsCount")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    assert await members(site, collection) == [*uuids[1:54], *uuids[55:]]
    nothing = {"error": None, "unitsPendingCount": 0, "unitsErrorCount": 0, "unitsCancelledCount": 0}
    ended = {"kind": "COLLECTING", "outcome": "SUCCEEDED", "unitsDoneCount": 80, **nothing}
    assert await site.see("job", job, ENDED, MEMBER) == ended

    preset = {"topLevelFolderUuid": folder, "name": "All", "filter": {"search": "txt"}}
    again = (await site.done("createFilterPreset", preset, "filterPreset { uuid }"))["filterPreset"]["uuid"]
    wanted = {"collectionUuid": collection, "filterPresetUuid": again}
    removed = await site.done("removeCollectionPresetItems", wanted, REMOVED, MEMBER)
    assert (removed["removedItemsCount"], removed["job"]["removesItems"]) == (30, True)
    assert len(await members(site, collection)) == 53
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", removed["job"]["uuid"])
    assert await members(site, collection) == []


async def test_few_matching_items_need_no_job(idle_site: Site) -> None:
    site, folder = idle_site, await idle_site.folder("small")
    uuids = sorted(await fill_folder(site, folder, 30))
    wanted = await prepared(site, folder, {"search": "txt"})
    assert await site.done("addCollectionPresetItems", wanted, "addedItemsCount job { uuid }") == {
        "addedItemsCount": 30,
        "job": None,
        "userErrors": [],
    }
    assert await members(site, wanted["collectionUuid"]) == uuids


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("cancelled", "CANCELLED"),
        ("collection", "CANCELLED"),
        ("filter", "FAILED"),
        ("role", "CANCELLED"),
        ("user", "CANCELLED"),
    ],
)
async def test_a_job_ends_early(idle_site: Site, end: str, outcome: str) -> None:
    """It adds nothing any more once its user may not change the collection, or there is nothing to add to or by."""
    site = idle_site
    folder, _ = await fill_large(site)
    wanted = await prepared(site, folder, {"search": "txt"})
    collection = wanted["collectionUuid"]
    job = (await site.done("addCollectionPresetItems", wanted, ADDED, MEMBER))["job"]["uuid"]
    before = await members(site, collection)
    match end:
        case "cancelled":
            await site.done("cancelJob", {"jobUuid": job}, "job { uuid }", MEMBER)
        case "collection":
            before = []
            await site.done("deleteCollection", {"collectionUuid": collection}, "collectionUuid")
        case "filter":
            gone = {"metadata": [{"key": "gone", "is": {"exists": True}}]}
            async with site.services.database.writing() as transaction:
                await transaction.execute(sa.update(jobs).values(item_filter=gone))
        case "role":
            [group] = (await site.ask("{ groups { nodes { uuid } } }"))["groups"]["nodes"]
            await site.grant(folder, group["uuid"], "VIEWER")
        case "user":
            found = sa.select(jobs.c.user_uuid).where(jobs.c.uuid == UUID(job))
            [row] = await site.services.database.rows(found, JobRecord)
            await site.done("updateUser", {"userUuid": str(row.user_uuid), "isActive": False}, "user { uuid }")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    assert await members(site, collection) == before
    ended = await site.see("job", job, ENDED)
    assert (ended["outcome"], ended["unitsDoneCount"], ended["unitsPendingCount"]) == (outcome, 30, 0)
    assert (ended["error"] is not None) == (end == "filter")
