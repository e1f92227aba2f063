"""Bulk mutations: up to 1,000 objects in a request, a result for each, and no duplicates."""

from typing import Any

import pytest

from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import count_items

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST = 1000
BULK = {
    "updateStorageItems": "items",
    "moveStorageItems": "itemUuids",
    "deleteStorageItems": "itemUuids",
    "updateStorageFolders": "folders",
    "moveStorageFolders": "folderUuids",
}
"""Mutations, with the field of their input that lists the objects."""


def entries(mutation: str, uuids: list[str]) -> dict[str, Any]:
    """Return the part of the input that names the objects."""
    field = BULK[mutation]
    key = {"items": "itemUuid", "folders": "folderUuid"}.get(field)
    return {field: [{key: uuid, "name": f"name {index}"} for index, uuid in enumerate(uuids)] if key else uuids}


async def create_waiting(site: Site, folder: str, number: int) -> list[str]:
    """Create a number of placeholders."""
    files = [{"name": f"{n}.txt", "itemType": "PLAIN_TEXT", "fileSize": 1} for n in range(number)]
    payload = await site.done("requestUploadUrls", {"folderUuid": folder, "files": files}, "targets { itemUuid }")
    return [target["itemUuid"] for target in payload["targets"]]


@pytest.mark.parametrize("mutation", BULK)
async def test_duplicates_are_refused(shared_site: Site, mutation: str) -> None:
    """A duplicate is refused at its position.

    Nothing is changed unless partial success is allowed. Items and folders have mutations of their
    own.

    Inventory: ENC-BUNDLE-03, ENC-BUNDLE-04, SUB-041.
    """
    site, folder = shared_site, await shared_site.folder("twice")
    is_folders, other = "Folder" in mutation, await shared_site.folder("other")
    created = (
        [await site.folder(f"{n}", folder) for n in range(2)] if is_folders else await create_waiting(site, folder, 2)
    )
    named = [created[0], UNKNOWN, created[1], created[0]]
    to = {"newParentUuid": other} if mutation.startswith("move") else {}
    selection = "results { uuid userErrors { code message path } }"
    whole = await site.do(mutation, {**entries(mutation, named), **to}, selection)
    assert [result["uuid"] for result in whole["results"]] == named
    codes = [result["userErrors"][0]["code"] for result in whole["results"]]
    assert codes == ["NOT_APPLIED", "NOT_FOUND", "NOT_APPLIED", "BAD_USER_INPUT"]
    assert whole["results"][3]["userErrors"][0]["message"].endswith("at position 0.")
    assert [".".join(error["path"]) for error in whole["userErrors"]] == [
        f"input.{BULK[mutation]}.{index}" for index in (1, 3)
    ]
    parts = await site.do(mutation, {**entries(mutation, named), **to, "allowPartial": True}, selection)
    assert [bool(result["userErrors"]) for result in parts["results"]] == [False, True, False, True]
    for wrong, code in (([], "BAD_USER_INPUT"), ([UNKNOWN] * (MOST + 1), "LIMIT_EXCEEDED")):
        refused = await site.refused(mutation, {**entries(mutation, wrong), **to})
        assert refused == [(code, f"input.{BULK[mutation]}")]


async def test_a_thousand_items_go_through_one_request(shared_site: Site) -> None:
    """A thousand items are updated, moved and removed, limited to the given folder.

    Inventory: ENC-BUNDLE-01, ENC-BUNDLE-02, SUB-044.
    """
    site, folder, other = (shared_site, await shared_site.folder("thousand"), await shared_site.folder("next"))
    uuids = await create_waiting(site, folder, MOST)
    selection = "results { item { name } userErrors { code } }"
    changed = await site.done("updateStorageItems", entries("updateStorageItems", uuids), selection)
    assert [result["item"]["name"] for result in changed["results"]] == [f"name {n}" for n in range(MOST)]
    move = {"itemUuids": uuids, "newParentUuid": other}
    assert len(await site.refused("moveStorageItems", {**move, "folderUuid": other})) == MOST
    await site.done("moveStorageItems", {**move, "folderUuid": folder}, selection)
    assert (await count_items(site, folder), await count_items(site, other)) == (0, MOST)
    inner = await create_waiting(site, await site.folder("inner", other), 1)
    refused = await site.refused("deleteStorageItems", {"itemUuids": [*uuids[:2], *inner], "folderUuid": other})
    assert refused == [("BAD_USER_INPUT", "input.itemUuids.2")]
    gone = await site.done("deleteStorageItems", {"itemUuids": uuids, "folderUuid": other}, "removedItemsCount")
    assert (gone["removedItemsCount"], await count_items(site, other)) == (MOST, 0)
