"""Rules of cloud-synced folders: which objects become items, of which kind, and why others do not."""

from typing import Any

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.kinds import CONTENT, archive
from tests.fixtures.sites import Site
from tests.fixtures.syncing import create_linked_folder, items_by_path, nonzero_counts, run_due_syncs, run_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD = "BAD_USER_INPUT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def integration(fetching_site: Site, customer: Bucket) -> str:
    """Integration with the customer's bucket."""
    return await create_integration(fetching_site, customer)


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """Part of the bucket for a single test."""
    return f"{request.node.originalname}-{id(request.node)}/"


async def skipped(site: Site, job: dict[str, Any], page: int = 3) -> dict[str, str]:
    """Return the reasons of skipped objects by key, read page by page."""
    document = """query($u: UUID!, $first: Int, $after: String) { cloudSyncJob(uuid: $u) {
        skippedObjects(first: $first, after: $after) {
            totalCount pageInfo { endCursor hasNextPage } nodes { key reason } } } }"""
    found: list[dict[str, str]] = []
    after = None
    while True:
        data = await site.ask(document, {"u": job["uuid"], "first": page, "after": after})
        listed = data["cloudSyncJob"]["skippedObjects"]
        found += listed["nodes"]
        if not listed["pageInfo"]["hasNextPage"]:
            break
        after = listed["pageInfo"]["endCursor"]
    assert [entry["key"] for entry in found] == sorted(entry["key"] for entry in found)
    assert listed["totalCount"] == len(found) == job["skippedCount"]
    return {entry["key"]: entry["reason"] for entry in found}


async def update(site: Site, folder: str, **rules: Any) -> dict[str, Any]:
    """Change the rules of a folder and return its configuration."""
    config = "folder { config { includeOtherFiles syncedItemType includePatterns excludePatterns } }"
    payload = await site.done("updateStorageFolder", {"folderUuid": folder, **rules}, config)
    result: dict[str, Any] = payload["folder"]["config"]
    return result


async def test_objects_of_any_format_are_mirrored_on_request(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """Until then, what no extension tells is skipped; then its content decides."""
    site = fetching_site
    customer.put(f"{prefix}known.png", samples.png())
    for kind, make in CONTENT.items():
        customer.put(f"{prefix}of-{kind}", make())
    customer.put(f"{prefix}empty", b"")
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await run_sync(site, folder)
    reasons = {f"{prefix}of-{kind}": "OTHER_FORMAT" for kind in CONTENT}
    assert await skipped(site, job) == {**reasons, f"{prefix}empty": "EMPTY"}
    assert job["skippedKeys"]
    config = await update(site, folder, includeOtherFiles=True)
    assert config == {"includeOtherFiles": True, "syncedItemType": None, "includePatterns": [], "excludePatterns": []}
    again = await run_sync(site, folder)
    assert nonzero_counts(again) == {"new": len(CONTENT) + 1, "unchanged": 1}
    assert (again["uploadJobsUnitsError"], await skipped(site, again)) == (0, {})
    found = await items_by_path(site, folder)
    for kind in CONTENT:
        assert found[f"of-{kind}"]["itemType"] == ("PLAIN_TEXT" if kind == "TIMESERIES" else kind)
    assert (found["empty"]["itemType"], int(found["empty"]["fileSize"])) == ("FILE", 0)
    assert await skipped(site, {**job, "skippedCount": 0}) == {}
    await check_all(site.services)


async def test_the_stored_type_tells_kinds_of_text_apart(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """It says nothing about other content."""
    site = fetching_site
    customer.put(f"{prefix}table", CONTENT["TIMESERIES"](), "text/csv")
    customer.put(f"{prefix}picture", samples.png(), "text/csv")
    folder = await create_linked_folder(site, integration, customer, prefix, rules={"includeOtherFiles": True})
    await run_sync(site, folder)
    document = "query($u: UUID!) { storageFolder(uuid: $u) { items { nodes { name itemType mimeType } } } }"
    nodes = (await site.ask(document, {"u": folder}))["storageFolder"]["items"]["nodes"]
    assert {node["name"]: (node["itemType"], node["mimeType"]) for node in nodes} == {
        "table": ("PLAIN_TEXT", "text/csv"),
        "picture": ("IMAGE", "image/png"),
    }


async def test_a_changed_object_is_recognized_again(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """Its item becomes one of the kind of the new content, and the counters follow."""
    site = fetching_site
    customer.put(f"{prefix}a", samples.png())
    folder = await create_linked_folder(site, integration, customer, prefix, rules={"includeOtherFiles": True})
    await run_sync(site, folder)
    before = (await items_by_path(site, folder))["a"]
    customer.put(f"{prefix}a", archive())
    assert nonzero_counts(await run_sync(site, folder)) == {"changed": 1}
    after = (await items_by_path(site, folder))["a"]
    assert (before["itemType"], after["itemType"]) == ("IMAGE", "FILE")
    assert before["uuid"] == after["uuid"]
    await check_all(site.services)


async def test_a_folder_sets_the_kind(fetching_site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Tables are time series, whatever their names; other content cannot be read as one."""
    site = fetching_site
    customer.put(f"{prefix}a.csv", CONTENT["TIMESERIES"]())
    customer.put(f"{prefix}b", CONTENT["TIMESERIES"]())
    customer.put(f"{prefix}c.png", samples.png())
    customer.put(f"{prefix}empty.csv", b"")
    rules = {"syncedItemType": "TIMESERIES", "excludePatterns": ["c.*"]}
    folder = await create_linked_folder(site, integration, customer, prefix, rules=rules)
    job = await run_sync(site, folder)
    assert await skipped(site, job) == {f"{prefix}c.png": "EXCLUDED", f"{prefix}empty.csv": "EMPTY"}
    found = await items_by_path(site, folder)
    assert {name: item["itemType"] for name, item in found.items()} == dict.fromkeys(("a.csv", "b"), "TIMESERIES")
    await update(site, folder, excludePatterns=None)
    assert (await run_sync(site, folder))["uploadJobsUnitsError"] == 1


async def test_patterns_include_and_exclude(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """Those without a slash are about names, others about all of the key below the folder's prefix."""
    site = fetching_site
    keys = ["a.txt", "b.md", "raw/a.txt", "raw/2024/a.txt", "raw/2024/old/a.txt", "raw/2024/notes.md", "tmp/a.txt"]
    customer.put_all({f"{prefix}{key}": b"text" for key in keys})
    rules = {"includePatterns": ["*.txt", "raw/**/notes.*"], "excludePatterns": ["raw/**/old/*", "tmp/**"]}
    folder = await create_linked_folder(site, integration, customer, prefix, rules=rules)
    job = await run_sync(site, folder)
    expected = {"raw/2024/old/a.txt": "EXCLUDED", "tmp/a.txt": "EXCLUDED", "b.md": "NOT_INCLUDED"}
    assert await skipped(site, job) == {f"{prefix}{key}": reason for key, reason in expected.items()}
    assert (await items_by_path(site, folder)).keys() == set(keys) - expected.keys()
    await update(site, folder, includePatterns=["[ab].md"])
    again = await run_sync(site, folder)
    assert nonzero_counts(again) == {"new": 1, "skipped": len(keys) - 1}
    found = await items_by_path(site, folder)
    assert len(found) == len(keys) - 2
    assert not any(item["isTombstone"] for item in found.values())


async def test_invalid_rules_are_refused(fetching_site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Each at its field; ordinary folders have no rules."""
    site = fetching_site
    folder = await create_linked_folder(site, integration, customer, prefix)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"includeOtherFiles": None}, "includeOtherFiles"),
        ({"syncedItemType": "GROUP"}, "syncedItemType"),
        ({"includePatterns": ["ok", ""]}, "includePatterns.1"),
        ({"includePatterns": ["/a"]}, "includePatterns.0"),
        ({"includePatterns": ["a//b"]}, "includePatterns.0"),
        ({"excludePatterns": ["a**"]}, "excludePatterns.0"),
        ({"excludePatterns": ["[a"]}, "excludePatterns.0"),
        ({"excludePatterns": ["[]"]}, "excludePatterns.0"),
        ({"excludePatterns": ["x" * 1001]}, "excludePatterns.0"),
        ({"excludePatterns": ["x", "x"]}, "excludePatterns.1"),
    ]
    for rules, field in cases:
        wrong = {"folderUuid": folder, **rules}
        assert await site.refused("updateStorageFolder", wrong) == [(BAD, f"input.{field}")], rules
        several = await site.refused("updateStorageFolders", {"folders": [wrong]})
        assert several == [(BAD, f"input.folders.0.{field}")]
    many = {"folderUuid": folder, "includePatterns": [str(number) for number in range(101)]}
    assert await site.refused("updateStorageFolder", many) == [("LIMIT_EXCEEDED", "input.includePatterns")]
    link = {"integrationUuid": integration, "remoteUrl": f"{customer.url}/{prefix}", "includePatterns": ["["]}
    refused = await site.refused("createStorageFolder", {"name": "a", "cloudSync": link})
    assert refused == [(BAD, "input.cloudSync.includePatterns.0")]
    ordinary = await site.folder("ordinary")
    refused = await site.refused("updateStorageFolder", {"folderUuid": ordinary, "includeOtherFiles": True})
    assert refused == [(BAD, "input.includeOtherFiles")]


async def test_sidecars_are_never_items(fetching_site: Site, customer: Bucket, integration: str, prefix: str) -> None:
    """Nor are they skipped objects, even where all formats are mirrored."""
    site = fetching_site
    customer.put(f"{prefix}a", archive())
    customer.put(f"{prefix}a.metadata.json", b'{"key": "value"}')
    folder = await create_linked_folder(site, integration, customer, prefix, rules={"includeOtherFiles": True})
    await site.done("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": {}}, "__typename")
    job = await run_sync(site, folder)
    assert (nonzero_counts(job), job["sidecarsAttachedCount"]) == ({"new": 1}, 1)
    [item] = (await items_by_path(site, folder)).values()
    assert (item["itemType"], item["clientMetadata"]) == ("FILE", {"key": "value"})


async def test_a_dry_run_says_what_would_be_skipped(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    site = fetching_site
    customer.put(f"{prefix}a.zip", archive())
    folder = await create_linked_folder(site, integration, customer, prefix)
    job = await run_sync(site, folder, dryRun=True)
    assert await skipped(site, job) == {f"{prefix}a.zip": "OTHER_FORMAT"}
    assert await items_by_path(site, folder) == {}


async def test_a_prefix_that_matches_nothing_says_so(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    site = fetching_site
    folder = await create_linked_folder(site, integration, customer, f"{prefix}misspelled/")
    document = "query($u: UUID!) { cloudSyncJob(uuid: $u) { notice listedCount } }"
    job = await run_sync(site, folder)
    said = (await site.ask(document, {"u": job["uuid"]}))["cloudSyncJob"]
    assert said["notice"].startswith("The bucket has no objects whose keys begin with the folder's prefix.")
    assert int(said["listedCount"]) == 0
    customer.put(f"{prefix}misspelled/a.zip", archive())
    job = await run_sync(site, folder)
    said = (await site.ask(document, {"u": job["uuid"]}))["cloudSyncJob"]
    assert (said["notice"], int(said["listedCount"])) == (None, 1)


async def test_the_interval_of_automatic_syncs_is_bounded(
    fetching_site: Site, customer: Bucket, integration: str, prefix: str
) -> None:
    """1 hour to 7 days; a day unless it was ever set."""
    site = fetching_site
    folder = await create_linked_folder(site, integration, customer, prefix)
    config = "folder { config { autoSync autoSyncIntervalHours } }"

    async def set_interval(**more: Any) -> dict[str, Any]:
        payload = await site.done("setFolderAutoSync", {"folderUuid": folder, **more}, config)
        result: dict[str, Any] = payload["folder"]["config"]
        return result

    assert await set_interval(autoSync=True) == {"autoSync": True, "autoSyncIntervalHours": 24}
    assert await set_interval(autoSync=True, intervalHours=1) == {"autoSync": True, "autoSyncIntervalHours": 1}
    assert await set_interval(autoSync=False) == {"autoSync": False, "autoSyncIntervalHours": 1}
    for hours in (0, 169):
        wrong = {"folderUuid": folder, "autoSync": True, "intervalHours": hours}
        assert await site.refused("setFolderAutoSync", wrong) == [(BAD, "input.intervalHours")]
    await run_sync(site, folder)
    document = "query($u: UUID!) { storageFolder(uuid: $u) { cloudSyncs { totalCount } } }"
    await set_interval(autoSync=True)
    for age, expected in ((0.8, 1), (1, 2)):
        await run_due_syncs(site, age)
        assert (await site.ask(document, {"u": folder}))["storageFolder"]["cloudSyncs"]["totalCount"] == expected
    await set_interval(autoSync=False)
