"""Items of as many files as they may have: pages, the limit, and replacing one of them."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.models.items import items
from gateway.models.revisions import BitstreamRecord, bitstreams, item_revisions
from tests.fixtures.revisions import add_files, empty_item, files_of, revisions_of
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files

pytestmark = pytest.mark.asyncio(loop_scope="module")
MOST = 10_000


async def fill(site: Site, item: str, count: int) -> None:
    """Give an item of one file so many that it has `count`, all with the same bytes."""
    uuid, database = UUID(item), site.services.database
    [first] = await database.rows(sa.select(bitstreams).where(bitstreams.c.item_uuid == uuid), BitstreamRecord)
    values: Any = {
        "item_uuid": uuid,
        "first_revision": 1,
        "url": first.url,
        "object_key": first.object_key,
        "file_size": 1,
    }
    rows = [BitstreamRecord(name=f"{n:05}", position=n, **values).model_dump() for n in range(1, count)]
    size = {"file_count": count, "file_size": count}
    async with database.writing() as transaction:
        await transaction.execute(sa.insert(bitstreams), rows)
        await transaction.execute(sa.update(item_revisions).where(item_revisions.c.item_uuid == uuid).values(size))
        several = {**size, "url": None, "object_key": None, "sha256": None}
        await transaction.execute(sa.update(items).where(items.c.uuid == uuid).values(several))


async def test_an_item_has_at_most_ten_thousand_files(shared_site: Site) -> None:
    """At the limit a file can be replaced, which adds one row, but none can be added."""
    site, folder = shared_site, await shared_site.folder("many files")
    item = await empty_item(site, folder)
    await add_files(site, folder, item, [File("00000", "FILE", b"x")])
    await fill(site, item, MOST - 1)
    assert (await add_files(site, folder, item, [File("last", "FILE", b"l")]))["status"] == "DONE"
    document = """query($u: UUID!, $after: String) { storageItem(uuid: $u) {
        bitstreams(first: 1000, after: $after) { nodes { name } totalCount pageInfo { endCursor hasNextPage } } } }"""
    names, after, more = [], None, True
    while more:
        page = (await site.ask(document, {"u": item, "after": after}))["storageItem"]["bitstreams"]
        names += [node["name"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert (len(names), page["totalCount"], names[-1]) == (MOST, MOST, "last")
    assert (await add_files(site, folder, item, [File("00007", "FILE", b"y")]))["status"] == "DONE"
    assert [each["fileCount"] for each in await revisions_of(site, item)] == [MOST, MOST]
    assert (await files_of(site, item))[7]["name"] == "00007"
    [placeholder] = await send_files(site, folder, [File("one more", "FILE", b"z")])
    wanted = {"folderUuid": folder, "items": {"any": [{"placeholderUuid": placeholder}]}, "itemUuid": item}
    assert await site.refused("startUploadJob", wanted) == [("LIMIT_EXCEEDED", "input.itemUuid")]
    deleted = {"itemUuids": [item, placeholder]}
    await site.done("deleteStorageItems", deleted, "removedItemsCount")
    async with site.services.database.writing() as transaction:
        count = sa.select(sa.func.count()).select_from(bitstreams).where(bitstreams.c.item_uuid == UUID(item))
        assert (await transaction.connection.execute(count)).scalar() == 0
