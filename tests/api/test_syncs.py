"""Cloud-synced folders: after a sync, new, changed, vanished and returned objects show in the folder."""

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.kinds import files_of_all_extensions
from tests.fixtures.sites import Site
from tests.fixtures.syncing import (
    create_linked_folder,
    items_by_path,
    nonzero_counts,
    run_due_syncs,
    run_sync,
    start_folder_sync,
    wait_for_sync,
)
from tests.fixtures.watching import subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def integration(site: Site, customer: Bucket) -> str:
    """Integration with the customer's bucket."""
    return await create_integration(site, customer)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Part of the bucket for a single test."""
    return f"{request.node.originalname}-{id(request.node)}/"


async def test_a_folder_follows_its_bucket(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Items follow their objects, and nothing is read without need.

    Inventory: ENC-SYNCSEM-01, ENC-SYNCSEM-02, ENC-SYNCSEM-03, ENC-SYNCSEM-04, SUB-073.
    """
    for number in range(3):
        customer.put(f"{prefix}a/{number}.png", samples.png(seed=number))
    customer.put(f"{prefix}note.txt", b"a note")
    folder = await create_linked_folder(site, integration, customer, prefix)
    first = await run_sync(site, folder)
    assert (first["status"], first["error"], nonzero_counts(first)) == ("DONE", None, {"new": 4})
    before = await items_by_path(site, folder)
    assert before.keys() == {"a/0.png", "a/1.png", "a/2.png", "note.txt"}
    assert not any(item["isPlaceholder"] or item["isTombstone"] for item in before.values())
    assert before["a/1.png"]["url"] == f"{customer.url}/{prefix}a/1.png"

    again = await run_sync(site, folder)
    assert (nonzero_counts(again), again["uploadJobsDone"]) == ({"unchanged": 4}, 0)
    assert await items_by_path(site, folder) == before

    customer.put(f"{prefix}a/1.png", samples.png(16, 16, 7))
    customer.client.delete_object(Bucket=customer.name, Key=f"{prefix}a/2.png")
    customer.put(f"{prefix}b.txt", b"another")
    changed = await run_sync(site, folder)
    assert nonzero_counts(changed) == {"new": 1, "changed": 1, "unchanged": 2, "vanished": 1}
    after = await items_by_path(site, folder)
    gone = after["a/2.png"]
    assert gone == {**before["a/2.png"], "isTombstone": True, "lastEditedAt": gone["lastEditedAt"]}
    assert after["a/1.png"]["uuid"] == before["a/1.png"]["uuid"]
    assert after["a/1.png"]["fileSize"] != before["a/1.png"]["fileSize"]
    assert after["a/1.png"]["lastEditedAt"] > before["a/1.png"]["lastEditedAt"]
    assert after["a/0.png"] == before["a/0.png"]

    customer.put(f"{prefix}a/2.png", samples.png(seed=2))
    returned = await run_sync(site, folder)
    assert nonzero_counts(returned) == {"unchanged": 4, "returned": 1}
    assert not (await items_by_path(site, folder))["a/2.png"]["isTombstone"]
    await check_all(site.services)


async def test_a_sync_reports_its_work(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Counts, errors and skipped keys are reported; files that fail do not stop it.

    Inventory: ENC-SYNC-01 to ENC-SYNC-12, SUB-071, SUB-076, SUB-083, ENC-SYNCSEM-05.
    """
    customer.put(f"{prefix}good.txt", b"good")
    customer.put(f"{prefix}bad.png", b"no picture")
    customer.put(f"{prefix}archive.zip", b"PK")
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await run_sync(site, folder)
    assert {name: job[name] for name in job if name.startswith(("scan", "upload"))} == {
        **dict.fromkeys((f"scanPagesProcessing{state}" for state in ("Pending", "Error", "Cancelled")), 0),
        **dict.fromkeys(("uploadJobsPending", "uploadJobsError"), 0),
        **dict.fromkeys((f"uploadJobsUnits{state}" for state in ("Pending", "Cancelled")), 0),
        **dict.fromkeys(("scanPagesProcessingDone", "uploadJobsDone", "uploadJobsUnitsDone"), 1),
        "uploadJobsUnitsError": 1,
    }
    assert (job["status"], job["hasUnitErrors"], job["skippedKeys"]) == ("DONE", True, [f"{prefix}archive.zip"])
    assert (await items_by_path(site, folder)).keys() == {"good.txt"}
    again = await run_sync(site, folder)
    assert nonzero_counts(again) == {"new": 1, "unchanged": 1, "skipped": 1}
    document = """query($u: UUID!) { storageFolder(uuid: $u) { folderType isCloudSynced remoteUrl integrationUuid
        cloudSyncs(first: 5) { nodes { uuid
            uploadJobs(first: 5) { nodes { cloudSyncJob { uuid } unitErrors { objectUrls } } } } } } }"""
    shown = (await site.ask(document, {"u": folder}))["storageFolder"]
    jobs = [entry["uploadJobs"]["nodes"] for entry in shown.pop("cloudSyncs")["nodes"]]
    assert [[entry["cloudSyncJob"]["uuid"] for entry in each] for each in jobs] == [[again["uuid"]], [job["uuid"]]]
    assert jobs[0][0]["unitErrors"] == [{"objectUrls": [f"{customer.url}/{prefix}bad.png"]}]
    url = f"{customer.url}/{prefix}"
    linking = {"folderType": "CLOUD_LINKED", "isCloudSynced": True, "remoteUrl": url, "integrationUuid": integration}
    assert shown == linking
    await check_all(site.services)


async def test_every_kind_of_file_is_ingested(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """A sync takes every known extension, including scenes, in upper and lower case."""
    expected = {}
    for number, (name, item_type, content) in enumerate(files_of_all_extensions()):
        key = name.upper() if number % 2 else name
        customer.put(f"{prefix}{key}", content)
        expected[key] = item_type
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await run_sync(site, folder, seconds=240)
    assert (job["status"], job["skippedKeys"], nonzero_counts(job)) == ("DONE", [], {"new": len(expected)})
    assert not job["hasUnitErrors"]
    items = await items_by_path(site, folder)
    assert {name: item["itemType"] for name, item in items.items()} == expected
    assert not any(item["isPlaceholder"] for item in items.values())
    assert {"VIDEO", "AUDIO", "NIFTI", "SCENE", "DICOM_FILE"} <= set(expected.values())


async def test_a_changed_object_that_cannot_be_read_leaves_the_item(
    site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """The item stays as it was, and the next sync tries again.

    Inventory: ENC-SYNCSEM-04.
    """
    customer.put(f"{prefix}a.png", samples.png())
    folder = await create_linked_folder(site, integration, customer, prefix)
    await run_sync(site, folder)
    before = await items_by_path(site, folder)
    customer.put(f"{prefix}a.png", b"broken")
    for _ in range(2):
        job = await run_sync(site, folder)
        assert (nonzero_counts(job), job["uploadJobsUnitsError"]) == ({"changed": 1}, 1)
        assert await items_by_path(site, folder) == before
    await check_all(site.services)


async def test_a_dry_run_counts_and_changes_nothing(
    site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """A dry run of a first sync, and of one with changes."""
    customer.put(f"{prefix}a/1.txt", b"one")
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await run_sync(site, folder, dryRun=True)
    assert (job["isDryRun"], nonzero_counts(job), job["uploadJobsDone"]) == (True, {"new": 1}, 0)
    assert await items_by_path(site, folder) == {}
    await run_sync(site, folder)
    before = await items_by_path(site, folder)
    customer.client.delete_object(Bucket=customer.name, Key=f"{prefix}a/1.txt")
    assert nonzero_counts(await run_sync(site, folder, dryRun=True)) == {"vanished": 1}
    assert await items_by_path(site, folder) == before


async def test_sidecar_metadata_is_attached(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Metadata is attached once and again after changes, unless paused.

    Each sync reports invalid sidecars.

    Inventory: ENC-SYNCSEM-09, SUB-074, ENC-FOLDEROP-17.
    """
    for name in ("a", "b"):
        customer.put(f"{prefix}{name}.txt", b"text")
        customer.put(f"{prefix}{name}.txt.metadata.json", b'{"of": "%s"}' % name.encode())
    customer.put(f"{prefix}a.txt.metadata.json", b'\xef\xbb\xbf{"of": "a"}')
    customer.put(f"{prefix}b.txt.metadata.json", b'{"of": [18446744073709551616, "\\u0000"]}')
    folder = await create_linked_folder(site, integration, customer, prefix)
    config = "folder { config { autoSync metadataIngestion { paused matcher { mode suffix } } } }"
    given = {"folderUuid": folder, "metadataIngestion": {"paused": True}}
    said = await site.done("setFolderMetadataIngestion", given, config)
    matcher = {"mode": "SUFFIX", "suffix": ".metadata.json"}
    assert said["folder"]["config"] == {"autoSync": False, "metadataIngestion": {"paused": True, "matcher": matcher}}
    assert nonzero_counts(await run_sync(site, folder)) == {"new": 2}
    items = await items_by_path(site, folder)
    assert {name: item["clientMetadata"] for name, item in items.items()} == {"a.txt": {}, "b.txt": {}}

    await site.done("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": {}}, config)
    attached = await run_sync(site, folder)
    assert (attached["sidecarsAttachedCount"], attached["sidecarsErrorCount"]) == (1, 1)
    assert (await items_by_path(site, folder))["a.txt"]["clientMetadata"] == {"of": "a"}
    assert attached["sidecarErrorKeys"] == [f"{prefix}b.txt.metadata.json"]
    again = await run_sync(site, folder)
    assert (nonzero_counts(again), again["sidecarsAttachedCount"], again["sidecarsErrorCount"]) == (
        {"unchanged": 2},
        0,
        1,
    )
    assert again["sidecarErrorKeys"] == attached["sidecarErrorKeys"]
    customer.put(f"{prefix}b.txt.metadata.json", b'{"of": "B"}')
    mended = await run_sync(site, folder)
    assert (mended["sidecarsAttachedCount"], mended["sidecarErrorKeys"]) == (1, [])
    assert (await items_by_path(site, folder))["b.txt"]["clientMetadata"] == {"of": "B"}

    customer.put(f"{prefix}c.txt", b"text")
    customer.put(f"{prefix}c.txt.metadata.json", b'{"new": true}')
    await run_sync(site, folder)
    assert (await items_by_path(site, folder))["c.txt"]["clientMetadata"] == {"new": True}
    await site.done("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": None}, config)
    assert nonzero_counts(await run_sync(site, folder)) == {"new": 3, "unchanged": 3}
    long = {"matcher": {"suffix": "x" * 129}}
    for wrong in ({"matcher": {"suffix": ""}}, long):
        refused = await site.refused("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": wrong})
        assert refused == [("BAD_USER_INPUT", "input.metadataIngestion.matcher.suffix")]
    await check_all(site.services)


async def test_a_linked_folder_cannot_be_changed_by_hand(
    site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """Nothing is added to it or its prefixes, and nothing is removed.

    Inventory: ENC-ENUM-03.
    """
    customer.put(f"{prefix}below/a.txt", b"text")
    folder, other = await create_linked_folder(site, integration, customer, prefix), await site.folder("other")
    await run_sync(site, folder)
    document = """query($u: UUID!) { storageFolder(uuid: $u) { subfolders { nodes { uuid name folderType isCloudSynced
        remoteUrl items { nodes { uuid } } } } } }"""
    [below] = (await site.ask(document, {"u": folder}))["storageFolder"]["subfolders"]["nodes"]
    assert (below["folderType"], below["isCloudSynced"]) == ("SYNTHETIC", False)
    assert below["remoteUrl"] == f"{customer.url}/{prefix}below/"
    item = below["items"]["nodes"][0]["uuid"]
    file = {"name": "n", "itemType": "PLAIN_TEXT", "fileSize": 1}
    grid = {"grid": {"layoutContents": [item]}}
    for target in (folder, below["uuid"]):
        refusals = {
            "requestUploadUrls": ({"folderUuid": target, "files": [file]}, "folderUuid"),
            "startUploadJob": ({"folderUuid": target, "items": {"text": [{"placeholderUuid": item}]}}, "folderUuid"),
            "createDataGroups": ({"folderUuid": target, "groups": [grid]}, "folderUuid"),
            "createStorageFolder": ({"name": "n", "parentUuid": target}, "parentUuid"),
            "moveStorageFolders": ({"folderUuids": [other], "newParentUuid": target}, "newParentUuid"),
        }
        for mutation, (input, path) in refusals.items():
            assert await site.refused(mutation, input) == [("CONFLICT", f"input.{path}")], mutation
    results = "results { userErrors { code path } }"
    moved = await site.do("moveStorageItems", {"itemUuids": [item], "newParentUuid": other}, results)
    assert [entry["code"] for entry in moved["results"][0]["userErrors"]] == ["CONFLICT"]
    moved = await site.do("moveStorageFolders", {"folderUuids": [below["uuid"]], "newParentUuid": other}, results)
    assert [entry["code"] for entry in moved["results"][0]["userErrors"]] == ["CONFLICT"]
    refused = await site.refused("startCloudFolderSync", {"folderUuid": below["uuid"]})
    assert refused == [("BAD_USER_INPUT", "input.folderUuid")]
    await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "removedItemsCount")
    assert f"{prefix}below/a.txt" in customer.keys()
    await check_all(site.services)


async def test_invalid_links_and_syncs_are_refused(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """The error is at its field, and nothing was created.

    Inventory: SUB-070, ENC-FOLDEROP-35, ENC-SYNCSEM-08.
    """
    link = {"integrationUuid": integration, "remoteUrl": f"{customer.url}/{prefix}"}
    wrong = [
        ({"remoteUrl": "s3://another-bucket/a/"}, "BAD_USER_INPUT", "remoteUrl"),
        ({"remoteUrl": "ftp://bucket/a/"}, "BAD_USER_INPUT", "remoteUrl"),
        ({"remoteUrl": f"{customer.url}/a/../b/"}, "BAD_USER_INPUT", "remoteUrl"),
        ({"remoteUrl": "not a url"}, "BAD_USER_INPUT", "remoteUrl"),
        ({"integrationUuid": "00000000-0000-7000-8000-000000000000"}, "NOT_FOUND", "integrationUuid"),
    ]
    for change, code, path in wrong:
        input = {"name": "n", "cloudSync": {**link, **change}}
        assert await site.refused("createStorageFolder", input) == [(code, f"input.cloudSync.{path}")], change
    plain = await site.folder("plain")
    for mutation, more in (("startCloudFolderSync", {}), ("setFolderAutoSync", {"autoSync": True})):
        refused = await site.refused(mutation, {"folderUuid": plain, **more})
        assert refused == [("BAD_USER_INPUT", "input.folderUuid")]
    fields = await site.ask('{ __type(name: "UpdateStorageFolderInput") { inputFields { name } } }')
    assert not {"remoteUrl", "cloudSync"} & {entry["name"] for entry in fields["__type"]["inputFields"]}


async def test_a_sync_is_watched(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """From its current state to its end; strangers learn nothing of it.

    Inventory: ENC-FOLDEROP-36.
    """
    customer.put(f"{prefix}a.txt", b"text")
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await start_folder_sync(site, folder)
    document = "subscription($u: UUID!) { cloudSyncJobUpdated(uuid: $u) { status sequence uploadJobsUnitsDone } }"
    await site.user(stranger := f"{site.url[-5:]}@example.org")
    async with subscribe(site, {"query": document, "variables": {"u": job}}) as [watch]:
        await watch.ended()
    last = watch.states[-1]
    assert (watch.completed, last["status"], last["uploadJobsUnitsDone"]) == (True, "DONE", 1)
    assert watch.sequences == sorted(set(watch.sequences))
    lookup = "query($u: UUID!) { cloudSyncJob(uuid: $u) { uuid } }"
    assert await site.ask(lookup, {"u": job}, stranger) == {"cloudSyncJob": None}
    async with subscribe(site, {"query": document, "variables": {"u": job}}, stranger) as [watch]:
        await watch.ended()
    assert watch.errors[0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_folder_is_synced_daily(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """A sync starts a day after the last one, not earlier.

    Each part of the configuration is set separately, so that concurrent writes keep each other's
    values.

    Inventory: ENC-SYNCSEM-07, SUB-077, SUB-078.
    """
    customer.put(f"{prefix}a.txt", b"text")
    folder = await create_linked_folder(site, integration, customer, prefix)
    await run_sync(site, folder)
    given = {"folderUuid": folder, "autoSync": True}
    ingestion = {"folderUuid": folder, "metadataIngestion": {"matcher": {"suffix": ".meta"}}}
    await site.done("setFolderMetadataIngestion", ingestion, "folder { uuid }")
    config = "folder { config { autoSync metadataIngestion { matcher { suffix } } } }"
    said = await site.done("setFolderAutoSync", given, config)
    assert said["folder"]["config"] == {"autoSync": True, "metadataIngestion": {"matcher": {"suffix": ".meta"}}}
    await run_due_syncs(site)
    document = "query($u: UUID!) { storageFolder(uuid: $u) { cloudSyncs { nodes { uuid user { uuid } } } } }"
    nodes = (await site.ask(document, {"u": folder}))["storageFolder"]["cloudSyncs"]["nodes"]
    assert [entry["user"] is None for entry in nodes] == [True, False]
    assert nonzero_counts(await wait_for_sync(site, nodes[0]["uuid"])) == {"unchanged": 1}
    await site.done("setFolderAutoSync", {**given, "autoSync": False}, "folder { uuid }")


async def test_a_key_and_a_prefix_of_one_name(site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """They coexist, as do keys with empty parts."""
    stores_both = True
    customer.put(f"{prefix}a.txt/inner.txt", b"inner")
    customer.put(f"{prefix}deep/er/and/deeper.txt", b"deep")
    customer.put(f"{prefix}other.txt", b"other")
    try:
        customer.put(f"{prefix}a.txt", b"outer")
    except customer.client.exceptions.ClientError:
        stores_both = False
    folder = await create_linked_folder(site, integration, customer, prefix.rstrip("/"))
    await run_sync(site, folder)
    there = {key.removeprefix(prefix) for key in customer.keys() if key.startswith(prefix)}
    items = await items_by_path(site, folder)
    assert items.keys() == there
    assert ("a.txt" in items) == stores_both
    assert nonzero_counts(await run_sync(site, folder)) == {"unchanged": len(there)}
