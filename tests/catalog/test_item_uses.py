"""A folder is not deleted with items that a dataset, or a group in another folder, uses: however that came about."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from gateway.catalog.ingestion.file_groups import add_members
from tests.fixtures.deletions import fill_folder
from tests.fixtures.invariants import check_item_uses
from tests.fixtures.items import create_dataset
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

Use = Callable[[Site, str, str, str], Awaitable[None]]
"""Lets something use an item of a folder, given both and another folder."""


async def group(site: Site, folder: str, *items: str) -> str:
    wanted = {"folderUuid": folder, "groups": [{"grid": {"layoutContents": [*items]}}]}
    created = await site.done("createDataGroups", wanted, "results { item { uuid } }")
    uuid: str = created["results"][0]["item"]["uuid"]
    return uuid


async def move(site: Site, item: str, folder: str) -> None:
    await site.done("moveStorageItems", {"itemUuids": [item], "newParentUuid": folder}, "__typename")


async def link_it(site: Site, item: str, folder: str, _other: str) -> None:
    await create_dataset(site, f"links {folder}", [item])


async def link_it_and_move_it_in(site: Site, item: str, folder: str, other: str) -> None:
    await move(site, item, other)
    await create_dataset(site, f"links {folder}", [item])
    await move(site, item, folder)


async def group_it(site: Site, item: str, _folder: str, other: str) -> None:
    await group(site, other, item)


async def group_it_and_move_it_in(site: Site, item: str, folder: str, other: str) -> None:
    await move(site, item, other)
    await group(site, other, item)
    await move(site, item, folder)


async def group_it_and_move_the_group_out(site: Site, item: str, folder: str, other: str) -> None:
    await move(site, await group(site, folder, item), other)


async def add_it_to_a_group(site: Site, item: str, _folder: str, other: str) -> None:
    """Add it as a frame of an image sequence, which is an item before it has any."""
    [sequence] = await fill_folder(site, other, 1)
    async with site.services.database.writing() as transaction:
        await add_members(transaction, {UUID(sequence): [UUID(item)]})


@pytest.mark.parametrize(
    "use",
    [
        link_it,
        link_it_and_move_it_in,
        group_it,
        group_it_and_move_it_in,
        group_it_and_move_the_group_out,
        add_it_to_a_group,
    ],
    ids=lambda use: use.__name__,
)
async def test_a_used_item_keeps_its_folder(shared_site: Site, use: Use) -> None:
    site, above = shared_site, await shared_site.folder(f"above {use.__name__}")
    folder, other = await site.folder("folder", above), await site.folder("other", above)
    [item] = await fill_folder(site, folder, 1)
    await use(site, item, folder, other)
    wanted = {"folderUuid": folder, "recursive": True}
    refusal = await site.do("deleteStorageFolder", wanted, "folderUuid")
    assert [error["code"] for error in refusal["userErrors"]] == ["CONFLICT"], refusal
    assert f"Item {item}: " in refusal["userErrors"][0]["message"]
    await check_item_uses(site.services.database)
