"""A check finds every kind of damage and nothing else, also while a site works; repairs leave nothing to find."""

import asyncio

import pytest
import sqlalchemy as sa

from gateway.catalog.ledger.stored_objects import release_objects
from gateway.maintenance.checking import check_site
from gateway.maintenance.findings import Fault, Report
from gateway.maintenance.repairing import repair_site
from gateway.media import samples
from gateway.models.jobs import jobs
from gateway.models.uploads import ManifestRecord, manifests
from gateway.settings import NotConfigured
from gateway.stores.keys import new_key
from tests.fixtures.damage import DAMAGE, key_of, leave_object, new_item
from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.thumbnails import thumbnail
from tests.fixtures.uploading import File, announce, send, upload

SHOWN = "isTombstone signedUrl { url } signedUrlUnavailableReason"


async def found(site: Site) -> dict[Fault, list[str]]:
    """Return the subjects of all findings by kind."""
    report = await check_site(site.services, 100)
    return {fault: [each.subject for each in examples] for fault, examples in report.examples.items()}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found_and_repaired(site: Site, damage: str) -> None:
    await new_item(site, 50)
    assert await found(site) == {}
    does_damage, fault = DAMAGE[damage]
    subject = await does_damage(site)
    report = await check_site(site.services, 100)
    assert {fault: [each.subject for each in examples] for fault, examples in report.examples.items()} == {
        fault: [subject]
    }
    repaired = await repair_site(site.services, report)
    assert repaired.counts == report.counts
    assert await found(site) == {}
    if fault not in (Fault.LOST, Fault.WRONG_SIZE):
        await check_all(site.services)


async def test_all_damage_together_is_repaired_at_once(site: Site) -> None:
    subjects: dict[Fault, set[str]] = {}
    for does_damage, fault in DAMAGE.values():
        subjects.setdefault(fault, set()).add(await does_damage(site))
    report = await check_site(site.services, 100)
    assert {fault: {each.subject for each in some} for fault, some in report.examples.items()} == subjects
    await repair_site(site.services, report)
    assert await found(site) == {}


async def test_items_of_lost_objects_are_tombstones_until_the_objects_are_back(site: Site) -> None:
    uuid = await new_item(site)
    key = await key_of(site, uuid)
    data = await site.services.store.read(key)
    await site.services.store.delete([key])
    await repair_site(site.services, await check_site(site.services, 1))
    lost = await site.see("storageItem", uuid, SHOWN)
    assert lost == {"isTombstone": True, "signedUrl": None, "signedUrlUnavailableReason": "TOMBSTONE"}
    await site.services.store.put(key, data, "image/png")
    assert await found(site) == {Fault.FOUND_AGAIN: [key]}
    await repair_site(site.services, await check_site(site.services, 1))
    assert await found(site) == {}
    back = await site.see("storageItem", uuid, SHOWN)
    assert (back["isTombstone"], back["signedUrlUnavailableReason"]) == (False, None)
    assert (await site.client.get(back["signedUrl"]["url"])).content == data
    await check_all(site.services)


async def test_lost_bytes_are_not_shared_with_new_files(site: Site) -> None:
    """Their uploader can send them again. If the lost ones come back then, both items have theirs."""
    uuid = await new_item(site)
    key = await key_of(site, uuid)
    data = await site.services.store.read(key)
    await site.services.store.delete([key])
    await repair_site(site.services, await check_site(site.services, 1))
    folder = await site.folder("again")
    job = await upload(site, folder, [File("again.png", "IMAGE", data)])
    [entry] = job["itemsWithNames"]
    assert await key_of(site, entry["itemUuid"]) != key
    await site.services.store.put(key, data, "image/png")
    await repair_site(site.services, await check_site(site.services, 1))
    assert await found(site) == {}
    for each in (uuid, entry["itemUuid"]):
        assert (await site.see("storageItem", each, SHOWN))["isTombstone"] is False
    await site.done("deleteStorageItems", {"itemUuids": [uuid, entry["itemUuid"]]}, "results { uuid }")
    await check_all(site.services)


async def test_deleting_a_tombstone_of_lost_bytes_leaves_nothing(site: Site) -> None:
    uuid = await new_item(site)
    key = await key_of(site, uuid)
    await site.services.store.delete([key])
    await repair_site(site.services, await check_site(site.services, 1))
    await site.done("deleteStorageItems", {"itemUuids": [uuid]}, "results { uuid }")
    await check_all(site.services)
    assert await found(site) == {}


async def test_a_lost_thumbnail_is_drawn_again(site: Site) -> None:
    uuid = await new_item(site)
    small = (await thumbnail(site, uuid))["url"]
    await site.services.store.delete([small.split("?")[0].rpartition("/")[2]])
    await repair_site(site.services, await check_site(site.services, 1))
    assert (await site.see("storageItem", uuid, "thumbnailUnavailableReason"))[
        "thumbnailUnavailableReason"
    ] == "PENDING"
    assert await found(site) == {}


async def test_a_job_whose_manifest_is_lost_ends_with_an_error(site: Site) -> None:
    lose_manifest, _ = DAMAGE["lost manifest"]
    key = await lose_manifest(site)
    chosen = sa.select(manifests).where(manifests.c.object_key == key)
    [row] = await site.services.database.rows(chosen, ManifestRecord)
    await repair_site(site.services, await check_site(site.services, 1))
    [job] = await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == row.job_uuid), sa.Row)
    assert (job.status, job.units_error_count) == ("ERROR", 1)
    assert job.error.startswith("The manifest is missing from the store.")


async def test_what_waits_for_its_removal_is_not_a_finding(idle_site: Site) -> None:
    """Neither are bytes that a client has sent without starting a job, or is about to send."""
    folder = await idle_site.folder("waiting")
    sent, _ = await announce(idle_site, folder, [File("a.txt", "PLAIN_TEXT", b"a"), File("b.txt", "PLAIN_TEXT", b"b")])
    await send(idle_site, sent, b"a")
    key = new_key()
    await idle_site.services.store.put(key, b"leaving", "text/plain")
    assert await found(idle_site) == {Fault.UNNAMED: [key]}
    async with idle_site.services.database.writing() as transaction:
        await release_objects(transaction, idle_site.services.queue, [key])
    assert await found(idle_site) == {}


async def test_objects_of_others_are_left_alone(site: Site) -> None:
    await new_item(site)
    for key in ("readme", "backup-2026", "0" * 31):
        await site.services.store.put(key, b"not ours", "text/plain")
    assert await found(site) == {}


async def test_nothing_is_removed_from_the_store_of_another_site(site: Site) -> None:
    key = await leave_object(site)
    with pytest.raises(NotConfigured, match="another site"):
        await repair_site(site.services, await check_site(site.services, 1))
    assert await site.services.store.info(key)


async def test_only_the_first_findings_are_kept(site: Site) -> None:
    await new_item(site)
    for _ in range(3):
        await leave_object(site)
    report = await check_site(site.services, 2)
    assert (report.counts[Fault.UNNAMED], len(report.examples[Fault.UNNAMED])) == (3, 2)


async def test_nothing_is_found_while_a_site_works(site: Site) -> None:
    """Files come and go, with their thumbnails, while one check follows the other."""
    folder = await site.folder("busy")
    stopped = asyncio.Event()

    async def work(worker: int) -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            files = [
                File(f"{number}.png", "IMAGE", samples.png(30 + each, 20, number * 10 + worker)) for each in range(3)
            ]
            uuids = await upload_items(site, folder, files)
            await announce(site, folder, [File("never.txt", "PLAIN_TEXT", b"never")])
            await site.done("deleteStorageItems", {"itemUuids": uuids[1:]}, "results { uuid }")

    async with asyncio.TaskGroup() as group:
        for worker in range(2):
            group.create_task(work(worker))
        seen: list[Report] = []
        async with asyncio.timeout(60):
            while len(seen) < 12 or max(report.objects for report in seen) < 12:
                seen.append(await check_site(site.services, 100))
        stopped.set()
    assert [report.examples for report in seen if report.counts] == []
    assert await found(site) == {}
