"""Duplicates in a folder: files and groups are known by their URLs and created again only on request."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import count_items, item_facts, items_by_name, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNITS = "query($u: UUID!) { uploadJob(uuid: $u) { units { nodes { status isSkipped item { uuid } } } } }"
SKIP = {"skipDuplicateUrls": True}
UPSERT = {**SKIP, "upsertMetadata": True}


async def units(site: Site, folder: str, items: dict[str, Any]) -> list[tuple[bool, str]]:
    """Run a job that must succeed; return for each unit whether it was skipped, and its item."""
    job = await wait_for_job(site, await start_upload_job(site, folder, items))
    assert (job["status"], job["errors"]) == ("DONE", [])
    nodes = (await site.ask(UNITS, {"u": job["uuid"]}))["uploadJob"]["units"]["nodes"]
    return [(node["isSkipped"], node["item"]["uuid"]) for node in nodes]


async def test_existing_files_are_skipped(fetching_site: Site, file_server: FileServer) -> None:
    """URLs are compared exactly and within the folder; items that moved away do not count.

    An interrupted job can thus be sent again.

    Inventory: SUB-050, ENC-UPI-12.
    """
    site, server = fetching_site, file_server
    folder, other = await site.folder("skipped"), await site.folder("other")
    a, second = server.add("one.txt", b"one"), server.add("two.txt", b"two")
    [(_, first)] = await units(site, folder, {"text": [{"objectUrl": a}]})
    requests = {"text": [{"objectUrl": a}, {"objectUrl": second}, {"objectUrl": second}, {"objectUrl": f"{a}?"}]}
    again = await units(site, folder, {**requests, **SKIP})
    assert [skipped for skipped, _ in again] == [True, False, True, False]
    assert (again[0][1], again[2][1]) == (first, again[1][1])
    assert await count_items(site, folder) == 3
    assert [skipped for skipped, _ in await units(site, folder, {**requests, **SKIP})] == [True] * 4
    assert [skipped for skipped, _ in await units(site, other, {**requests, **SKIP})] == [False, False, True, False]
    assert [skipped for skipped, _ in await units(site, folder, requests)] == [False] * 4
    assert await count_items(site, folder) == 7
    moved = {"itemUuids": [first], "newParentUuid": await site.folder("away")}
    await site.done("moveStorageItems", moved, "results { uuid }")
    [(skipped, there)] = await units(site, folder, {"text": [{"objectUrl": a}], **SKIP})
    assert skipped
    await site.done("moveStorageItems", {**moved, "itemUuids": [there]}, "results { uuid }")
    assert not (await units(site, folder, {"text": [{"objectUrl": a}], **SKIP}))[0][0]
    await check_all(site.services)


async def test_own_objects_are_skipped_too(fetching_site: Site, file_server: FileServer) -> None:
    site, server = fetching_site, file_server
    folder = await site.folder("ours")
    job = await wait_for_job(
        site, await start_upload_job(site, folder, {"text": [{"objectUrl": server.add("o.txt", b"ours")}]})
    )
    [(name, item)] = (await items_by_name(site, job)).items()
    assert name == "o.txt"
    assert [
        skipped for skipped, _ in await units(site, folder, {"text": [{"objectUrl": item["url"]}] * 2, **SKIP})
    ] == [True] * 2
    assert await count_items(site, folder) == 1


async def test_metadata_of_existing_files_is_replaced_on_request(fetching_site: Site, file_server: FileServer) -> None:
    """Entries without metadata leave it unchanged; the option is refused where it has no effect.

    Inventory: ENC-UPI-13, SUB-051.
    """
    site, server = fetching_site, file_server
    folder, url = await site.folder("upserted"), server.add("meta.txt", b"meta")

    async def metadata(**given: Any) -> Any:
        [(_, item)] = await units(site, folder, {"text": [{"objectUrl": url, **given.pop("entry", {})}], **given})
        return (await item_facts(site, item))["clientMetadata"]

    assert await metadata(entry={"clientMetadata": {"a": 1, "b": 1}}) == {"a": 1, "b": 1}
    assert await metadata(entry={"clientMetadata": {"c": 1}}, **SKIP) == {"a": 1, "b": 1}
    assert await metadata(entry={"clientMetadata": {"c": 1}}, **UPSERT) == {"c": 1}
    assert await metadata(**UPSERT) == {"c": 1}
    assert await count_items(site, folder) == 1
    items = {"text": [{"objectUrl": url}], "upsertMetadata": True}
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "items": items})
    assert refused == [("BAD_USER_INPUT", "input.items.upsertMetadata")]


async def test_groups_with_the_same_files_are_skipped(fetching_site: Site, file_server: FileServer) -> None:
    """Files must be in the same order, except in series, which are ordered by their numbers.

    Groups with files that have no URL are never skipped.
    """
    site, server = fetching_site, file_server
    folder = await site.folder("groups")
    images = [{"objectUrl": server.add(f"{n}.png", samples.png(seed=n))} for n in range(3)]
    files = [{"objectUrl": server.add(f"{n}.dcm", samples.dicom_file(instance_number=n))} for n in (3, 1, 2)]

    def items_input(images: list[Any], files: list[Any]) -> dict[str, Any]:
        return {"imageGroups": [{"images": images}], "dicomSeries": [{"dicomFiles": files}], **SKIP}

    created = await units(site, folder, items_input(images, files))
    assert [skipped for skipped, _ in created] == [False, False]
    assert await units(site, folder, items_input(images, files[::-1])) == [(True, item) for _, item in created]
    other = await units(site, folder, items_input(images[::-1], files[:2]))
    assert [skipped for skipped, _ in other] == [False, False]
    await check_all(site.services)
