"""Migrations of items to another store: by UUID or by URL, all or nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.clouds import Bucket, bucket, create_integration, grant_integration
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.files import FileServer
from tests.fixtures.idempotency import expire_idempotency_keys
from tests.fixtures.invariants import check_all, check_datasets
from tests.fixtures.items import create_dataset
from tests.fixtures.revisions import revise
from tests.fixtures.sites import UNKNOWN, Site, open_client
from tests.fixtures.syncing import create_linked_folder, items_by_path, run_sync
from tests.fixtures.uploading import File, start_upload_job, upload, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
RESULTS = "results { uuid url isSkipped items { uuid url storageLocation integrationUuid } userErrors { code } }"


@pytest.fixture(scope="module")
def new(s3_server: str) -> Iterator[Bucket]:
    """Bucket to migrate to."""
    with bucket(s3_server) as created:
        yield created


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


async def registered(site: Site, folder: str, urls: list[str], integration: str | None) -> list[str]:
    """Register images at these URLs and return their items, in order."""
    items = {"images": [{"objectUrl": url} for url in urls]}
    job = await wait_for_job(site, await start_upload_job(site, folder, items, integrationUuid=integration))
    assert (job["status"], job["errors"]) == ("DONE", [])
    return [entry["itemUuid"] for entry in job["itemsWithNames"]]


async def migrated(site: Site, entries: list[dict[str, Any]], who: str = "admin", **more: Any) -> list[dict[str, Any]]:
    """Return the results of a migration that must succeed."""
    payload = await site.done("migrateStorageItems", {"items": entries, **more}, RESULTS, who)
    results: list[dict[str, Any]] = payload["results"]
    return results


async def mirrored(site: Site, integration: str, customer: Bucket, team: str) -> list[str]:
    """Return the items of a new mirror of the bucket on which a group is USER."""
    customer.put("mirrored/one.txt", b"text")
    folder = await create_linked_folder(site, integration, customer, "mirrored/")
    await site.grant(folder, team, "USER")
    await run_sync(site, folder)
    return [item["uuid"] for item in (await items_by_path(site, folder)).values()]


async def test_items_follow_their_objects(site: Site, customer: Bucket, new: Bucket) -> None:
    """Items by UUID and by URL in one request, with or without a new URL.

    Inventory: ENC-CLIENT-09, ENC-QBODY-03, -04, -06, SUB-090, SUB-138.
    """
    source, target = await create_integration(site, customer), await create_integration(site, new, title="New")
    folder, data = await site.folder("moving"), [samples.png(seed=n) for n in range(3)]
    urls = [customer.put(f"{n}.png", content) for n, content in enumerate(data)]
    first, second, third = await registered(site, folder, urls, source)
    again = (await registered(site, folder, urls[1:2], source))[0]
    moved = [new.put(f"moved {n}.png", content) for n, content in enumerate(data)]
    entries = [{"match": {"itemUuid": first}, "newUrl": moved[0]}, {"match": {"url": urls[1]}, "newUrl": moved[1]}]
    results = await migrated(site, entries, toIntegrationUuid=target)
    assert [(entry["uuid"], entry["url"], entry["isSkipped"]) for entry in results] == [
        (first, None, False),
        (None, urls[1], False),
    ]
    assert [[item["uuid"] for item in entry["items"]] for entry in results] == [[first], sorted([second, again])]
    for result, url in zip(results, moved, strict=False):
        for item in result["items"]:
            assert (item["url"], item["integrationUuid"], item["storageLocation"]) == (url, target, "S3_COMPATIBLE")
    document = "query($u: UUID!) { storageItem(uuid: $u) { signedUrl { url } } }"
    signed = (await site.ask(document, {"u": second}))["storageItem"]["signedUrl"]["url"]
    async with open_client() as client:
        assert (await client.get(signed)).content == data[1]
    other = await create_integration(site, customer, title="The same store, by other keys")
    [result] = await migrated(site, [{"match": {"itemUuid": third}}], toIntegrationUuid=other)
    assert (result["items"][0]["url"], result["items"][0]["integrationUuid"]) == (urls[2], other)
    [result] = await migrated(site, [{"match": {"itemUuid": third}, "newUrl": urls[0]}], verifyAccess=False)
    assert (result["items"][0]["url"], result["items"][0]["integrationUuid"]) == (urls[0], other)
    assert set(customer.keys()) >= {"0.png", "1.png", "2.png"}
    await check_all(site.services)


async def test_items_of_other_integrations_and_missing_items(site: Site, customer: Bucket, new: Bucket) -> None:
    """Items of other integrations stay; missing ones are skipped or refuse all.

    Inventory: ENC-QBODY-05, -08.
    """
    source, other, target = [await create_integration(site, store) for store in (customer, customer, new)]
    folder = await site.folder("guarded")
    data = samples.png(seed=9)
    url, there = customer.put("guarded.png", data), new.put("guarded.png", data)
    first, second = (
        (await registered(site, folder, [url], source))[0],
        (await registered(site, folder, [url], other))[0],
    )
    entries = [{"match": {"itemUuid": second}, "newUrl": there}, {"match": {"url": url}, "newUrl": there}]
    wanted = {"toIntegrationUuid": target, "fromIntegrationUuid": source}
    assert await site.refused("migrateStorageItems", {"items": entries, **wanted}) == [
        ("BAD_USER_INPUT", "input.items.1.match.url")
    ]
    results = await migrated(site, entries[:1], **wanted)
    assert (results[0]["isSkipped"], results[0]["items"]) == (True, [])
    missing = [{"match": {"itemUuid": UNKNOWN}, "newUrl": there}, {"match": {"url": "s3://none/x"}, "newUrl": there}]
    async with assert_unchanged(site):
        payload = await site.do("migrateStorageItems", {"items": [*missing, entries[1]], **wanted}, RESULTS)
        assert [(entry["code"], entry["path"]) for entry in payload["userErrors"]] == [
            ("NOT_FOUND", ["input", "items", "0", "match", "itemUuid"]),
            ("NOT_FOUND", ["input", "items", "1", "match", "url"]),
        ]
        assert [entry["userErrors"][0]["code"] for entry in payload["results"]] == [
            "NOT_FOUND",
            "NOT_FOUND",
            "NOT_APPLIED",
        ]
    results = await migrated(site, [*missing, entries[1]], skipMissing=True, **wanted)
    assert [entry["isSkipped"] for entry in results] == [True, True, False]
    assert [item["uuid"] for item in results[2]["items"]] == [first]


async def test_unreachable_objects_are_refused(site: Site, customer: Bucket, new: Bucket) -> None:
    """Each object must exist with the length of its item, unless verification is off.

    Inventory: ENC-QBODY-07.
    """
    source, target = await create_integration(site, customer), await create_integration(site, new)
    folder = await site.folder("verified")
    [item] = await registered(site, folder, [customer.put("checked.png", samples.png())], source)
    [own] = (await upload(site, folder, [File("own", "PLAIN_TEXT", b"own")]))["itemsWithNames"]
    other = new.put("shorter.png", b"short")
    faults = [
        ({"match": {"itemUuid": item}, "newUrl": f"{new.url}/none.png"}, ("NOT_FOUND", "input.items.0.newUrl")),
        ({"match": {"itemUuid": item}, "newUrl": other}, ("CONFLICT", "input.items.0.newUrl")),
        ({"match": {"itemUuid": item}, "newUrl": "s3://elsewhere/x.png"}, ("BAD_USER_INPUT", "input.items.0.newUrl")),
        (
            {"match": {"itemUuid": item}, "newUrl": "https://files.example/x"},
            ("BAD_USER_INPUT", "input.items.0.newUrl"),
        ),
        ({"match": {"itemUuid": item}}, ("BAD_USER_INPUT", "input.items.0.newUrl")),
        ({"match": {"itemUuid": own["itemUuid"]}, "newUrl": other}, ("CONFLICT", "input.items.0")),
    ]
    async with assert_unchanged(site):
        for entry, expected in faults:
            wanted = {"items": [entry], "toIntegrationUuid": target}
            assert await site.refused("migrateStorageItems", wanted) == [expected], entry
        lone = {"items": [{"match": {"itemUuid": item}}]}
        assert await site.refused("migrateStorageItems", lone) == [("BAD_USER_INPUT", "input.items.0.newUrl")]
        twice = {
            "items": [{"match": {"itemUuid": item}, "newUrl": other}] * 2,
            "toIntegrationUuid": target,
            "verifyAccess": False,
        }
        assert await site.refused("migrateStorageItems", twice) == [("BAD_USER_INPUT", "input.items.1.match.itemUuid")]
    unseen = [{"match": {"itemUuid": item}, "newUrl": f"{new.url}/none.png"}]
    [result] = await migrated(site, unseen, toIntegrationUuid=target, verifyAccess=False)
    assert result["items"][0]["url"] == f"{new.url}/none.png"


async def test_both_ends_need_a_role(site: Site, customer: Bucket, new: Bucket) -> None:
    """USER on the items' folders and on the new integration; hidden items are missing."""
    source, target = await create_integration(site, customer), await create_integration(site, new)
    folder, team, who = await site.folder("theirs"), await site.group("movers"), "mover@example.org"
    await site.user(who, groups=[team])
    data = samples.png(seed=11)
    url, there = customer.put("roles.png", data), new.put("roles.png", data)
    [item] = await registered(site, folder, [url], source)
    input = {"items": [{"match": {"itemUuid": item}, "newUrl": there}], "toIntegrationUuid": target}
    by_url = {**input, "items": [{"match": {"url": url}, "newUrl": there}]}
    async with assert_unchanged(site):
        assert await site.refused("migrateStorageItems", input, who) == [("NOT_FOUND", "input.toIntegrationUuid")]
    await grant_integration(site, target, team, "USER")
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            await site.grant(folder, team, role)
        async with assert_unchanged(site):
            assert await site.refused("migrateStorageItems", input, who) == [(code, "input.items.0.match.itemUuid")]
            assert await site.refused("migrateStorageItems", by_url, who) == [(code, "input.items.0.match.url")]
    await site.grant(folder, team, "USER")
    assert await site.refused("migrateStorageItems", by_url, who) == []


@pytest.mark.parametrize("verifies", [True, False])
async def test_another_object_of_the_same_store_needs_the_role_of_registering(
    site: Site, customer: Bucket, verifies: bool
) -> None:
    """Editors of an item without USER on its integration cannot point it at another object.

    Items of a mirror keep their object regardless of who migrates them.
    """
    integration, team, folder = (
        await create_integration(site, customer),
        await site.group("keepers"),
        await site.folder("kept"),
    )
    who = await site.newcomer(team)
    await site.grant(folder, team, "USER")
    [item] = await registered(site, folder, [customer.put("shared/kept.txt", samples.png())], integration)
    [plain] = await mirrored(site, integration, customer, team)
    secret, none = customer.put("payroll/secret.txt", b"secret"), f"{customer.url}/payroll/none.txt"
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            await grant_integration(site, integration, team, role)
        async with assert_unchanged(site):
            for uuid, url in ((item, secret), (item, none), (item, "s3://elsewhere/x"), (plain, secret)):
                input = {"items": [{"match": {"itemUuid": uuid}, "newUrl": url}], "verifyAccess": verifies}
                expected = [(code, "input.items.0.newUrl")]
                assert await site.refused("migrateStorageItems", input, who) == expected, url
    await grant_integration(site, integration, team, "USER")
    async with assert_unchanged(site):
        for more in ({}, {"toIntegrationUuid": integration}):
            input = {"items": [{"match": {"itemUuid": plain}, "newUrl": secret}], "verifyAccess": verifies, **more}
            assert await site.refused("migrateStorageItems", input, who) == [("CONFLICT", "input.items.0")]
    [result] = await migrated(site, [{"match": {"itemUuid": item}, "newUrl": secret}], who, verifyAccess=False)
    assert result["items"][0]["url"] == secret


async def test_an_external_file_moves_into_a_cloud(site: Site, new: Bucket, file_server: FileServer) -> None:
    """An item without integration gets one, or another plain URL."""
    target, folder, data = (await create_integration(site, new), await site.folder("in"), samples.png(seed=12))
    [item] = await registered(site, folder, [file_server.add("first.png", data)], None)
    [result] = await migrated(site, [{"match": {"itemUuid": item}, "newUrl": file_server.add("second.png", data)}])
    assert result["items"][0]["storageLocation"] == "DIRECT_ACCESS"
    there = new.put("in.png", data)
    [result] = await migrated(site, [{"match": {"itemUuid": item}, "newUrl": there}], toIntegrationUuid=target)
    actual = result["items"][0]
    assert (actual["url"], actual["storageLocation"], actual["integrationUuid"]) == (there, "S3_COMPATIBLE", target)


async def test_datasets_know_where_their_items_are(site: Site, new: Bucket, file_server: FileServer) -> None:
    """Also after items have moved to another store, got files of the site instead, or left the dataset."""
    target, folder, data = await create_integration(site, new), await site.folder("located"), samples.png(seed=13)
    [picture] = await registered(site, folder, [file_server.add("located.png", data)], None)
    items = {"files": [{"objectUrl": file_server.add("located.bin", b"elsewhere")}]}
    job = await wait_for_job(site, await start_upload_job(site, folder, items))
    [file] = [entry["itemUuid"] for entry in job["itemsWithNames"]]
    dataset = await create_dataset(site, "Located", [picture, file])
    mirror = await create_dataset(site, "Located as well", backingFolderUuid=folder)

    async def located(uuid: str) -> tuple[int, list[str]]:
        await check_datasets(site.services.database)
        document = "query($u: UUID!) { dataset(uuid: $u) { dataRowsCount storageLocations } }"
        seen = (await site.ask(document, {"u": uuid}))["dataset"]
        return seen["dataRowsCount"], seen["storageLocations"]

    assert [await located(dataset), await located(mirror)] == [(2, ["DIRECT_ACCESS"])] * 2
    there = new.put("located.png", data)
    await migrated(site, [{"match": {"itemUuid": picture}, "newUrl": there}], toIntegrationUuid=target)
    assert await located(dataset) == (2, ["DIRECT_ACCESS", "S3_COMPATIBLE"])
    await revise(site, folder, file, [File("located.bin", "FILE", b"here")])
    assert await located(dataset) == (2, ["S3_COMPATIBLE", "STOREGRAPH"])
    await site.done("unlinkItemsFromDataset", {"datasetUuid": dataset, "itemUuids": [file]}, "removedDataRowsCount")
    assert [await located(dataset), await located(mirror)] == [
        (1, ["S3_COMPATIBLE"]),
        (2, ["S3_COMPATIBLE", "STOREGRAPH"]),
    ]
    await site.done("deleteStorageItems", {"itemUuids": [file], "allowMirrorDatasetChanges": True}, "removedItemsCount")
    assert await located(mirror) == (1, ["S3_COMPATIBLE"])


async def test_a_repeated_migration_returns_the_same(site: Site, customer: Bucket, new: Bucket) -> None:
    """No item has the old URL any more; other input with the same key is a conflict.

    Inventory: ENC-HTTP-03.
    """
    source, target = await create_integration(site, customer), await create_integration(site, new)
    folder, data = await site.folder("again"), samples.png(seed=13)
    url, there = customer.put("again.png", data), new.put("again.png", data)
    await registered(site, folder, [url], source)
    entries = [{"match": {"url": url}, "newUrl": there}, {"match": {"itemUuid": UNKNOWN}, "newUrl": there}]
    wanted: dict[str, Any] = {"toIntegrationUuid": target, "skipMissing": True, "idempotencyKey": "moved once"}
    first = await migrated(site, entries, **wanted)
    assert [(len(entry["items"]), entry["isSkipped"]) for entry in first] == [(1, False), (0, True)]
    async with assert_unchanged(site):
        assert await migrated(site, entries, **wanted) == first
        other = {"items": entries[:1], **wanted}
        assert await site.refused("migrateStorageItems", other) == [("CONFLICT", "input.idempotencyKey")]
    await expire_idempotency_keys(site)
    [later, _] = await migrated(site, entries, **wanted)
    assert (later["items"], later["isSkipped"]) == ([], True)
