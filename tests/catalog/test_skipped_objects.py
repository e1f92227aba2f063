"""Skipped objects of syncs, with conditions that a test cannot wait for."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.clouds.base import ObjectLocation, ObjectPage
from gateway.clouds.cloud import Cloud
from gateway.media import samples
from gateway.tasks import sync_folders
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.sites import Site
from tests.fixtures.syncing import create_linked_folder, items_by_path, nonzero_counts, run_sync

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_archived_objects_are_skipped(
    fetching_site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason; one that is archived later keeps its item, and is not read again.

    The store of the tests has no archive tier, so its listing is made to name one.
    """
    site, prefix = fetching_site, "archived/"
    customer.put(f"{prefix}cold.png", samples.png())
    customer.put(f"{prefix}warm.png", samples.png())
    list_objects, cold = Cloud.list_objects, "cold.png"

    async def with_archive(cloud: Cloud, location: ObjectLocation, *rest: Any, **more: Any) -> ObjectPage:
        page = await list_objects(cloud, location, *rest, **more)
        return ObjectPage([replace(each, is_archived=each.key.endswith(cold)) for each in page.objects], page.next)

    monkeypatch.setattr(Cloud, "list_objects", with_archive)
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, prefix)
    document = "query($u: UUID!) { cloudSyncJob(uuid: $u) { skippedObjects { nodes { key reason } } } }"
    job = await run_sync(site, folder)
    listed = (await site.ask(document, {"u": job["uuid"]}))["cloudSyncJob"]["skippedObjects"]["nodes"]
    assert listed == [{"key": f"{prefix}cold.png", "reason": "ARCHIVED"}]
    assert (await items_by_path(site, folder)).keys() == {"warm.png"}
    cold = "warm.png"
    customer.put(f"{prefix}warm.png", samples.png(seed=2))
    assert nonzero_counts(await run_sync(site, folder)) == {"new": 1, "skipped": 1}
    assert not any(item["isTombstone"] for item in (await items_by_path(site, folder)).values())


async def test_the_list_of_skipped_objects_is_bounded(
    fetching_site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are counted, the first are listed, and only for the latest sync of a folder."""
    site, prefix = fetching_site, "bounded/"
    for number in range(4):
        customer.put(f"{prefix}{number}.zip", b"PK")
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, prefix)
    monkeypatch.setattr(sync_folders, "MAX_SKIPPED", 3)
    document = "query($u: UUID!) { cloudSyncJob(uuid: $u) { skippedCount skippedObjects { nodes { key } } } }"
    jobs = [await run_sync(site, folder) for _ in range(2)]
    for job, listed in zip(jobs, (0, 3), strict=True):
        said = (await site.ask(document, {"u": job["uuid"]}))["cloudSyncJob"]
        assert said["skippedCount"] == 4
        assert [node["key"] for node in said["skippedObjects"]["nodes"]] == [
            f"{prefix}{number}.zip" for number in range(listed)
        ]
