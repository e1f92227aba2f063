"""Pages of everything below a folder, merged from the items of many folders."""

import random
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gateway.catalog.ledger.counters import recount
from gateway.ids import uuid7
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.folders import FolderCountersRecord, FolderRecord, folder_counters, folders
from gateway.models.items import ItemRecord, items
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOLDERS = 40
LISTED = """query($u: UUID!, $o: StorageItemOrder, $f: StorageItemFilter, $first: Int, $after: String, $last: Int,
  $before: String) { storageFolder(uuid: $u) { descendantItems(orderBy: $o, filter: $f, first: $first, after: $after,
  last: $last, before: $before) { nodes { uuid } pageInfo { startCursor endCursor } totalCount } } }"""


class Tree:
    """Folders whose items overlap in every way: alternating, one folder after the other, and all in one folder."""

    def __init__(self, site: Site, top: str, rows: list[dict[str, Any]]) -> None:
        self.site, self.top, self.rows = site, top, rows

    def ordered(self, column: str, reverse: bool, **wanted: Any) -> list[str]:
        rows = [row for row in self.rows if all(row[name] == value for name, value in wanted.items())]
        there = sorted(((row[column], row["uuid"]) for row in rows if row[column] is not None), reverse=reverse)
        lacking = sorted((row["uuid"] for row in rows if row[column] is None), reverse=reverse)
        return [str(uuid) for _, uuid in there] + [str(uuid) for uuid in lacking]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["alternating", "in turn", "in one", "random"])
async def tree(request: pytest.FixtureRequest, shared_site: Site) -> Tree:
    """Return a tree with items that are spread over its folders in one of these ways."""
    site, spread, chance = shared_site, request.param, random.Random(5)
    top = await site.folder(spread)
    below = [UUID(top)]
    async with site.services.database.writing() as transaction:
        path = (await transaction.single(sa.select(folders).where(folders.c.uuid == UUID(top)), FolderRecord)).path
        for number in range(FOLDERS):
            uuid = uuid7()
            folder = {"uuid": uuid, "parent_uuid": UUID(top), "path": path + uuid.hex, "name": f"{number}"}
            await transaction.execute(sa.insert(folders), [new_row(FolderRecord, **folder, name_key=f"{number}")])
            counters = new_row(FolderCountersRecord, folder_uuid=uuid)
            await transaction.execute(sa.insert(folder_counters), [counters])
            below.append(uuid)
        rows = []
        for number in range(400):
            place = {"alternating": number % len(below), "in turn": number // 10, "in one": 7 if number % 9 else 8}
            name = f"{number:04}"
            rows.append(
                new_row(
                    ItemRecord,
                    folder_uuid=below[place.get(spread, chance.randrange(len(below)))],
                    item_type=chance.choice([StorageItemType.IMAGE, StorageItemType.PDF]),
                    name=name,
                    name_key=fold(name),
                    natural_key=natural_key(fold(name)),
                    file_size=chance.choice([None, number // 5]) if spread != "in turn" else number,
                )
            )
        await transaction.execute(sa.insert(items), rows)
        for folder_uuid in below:
            await recount(transaction, folder_uuid)
    return Tree(site, top, rows)


@pytest.mark.parametrize("size", [1, 60])
@pytest.mark.parametrize("field", ["NAME", "NATURAL_NAME", "SIZE"])
async def test_pages_below_a_folder_are_in_order(tree: Tree, field: str, size: int) -> None:
    """Forwards and backwards, in both directions, with and without a kind."""
    column = {"NAME": "name_key", "NATURAL_NAME": "natural_key", "SIZE": "file_size"}[field]
    for direction in ("ASC", "DESC"):
        for wanted in ({}, {"item_type": "PDF"}):
            expected = tree.ordered(column, direction == "DESC", **wanted)
            given = {"u": tree.top, "o": {"field": field, "direction": direction}}
            given["f"] = {"itemTypes": list(wanted.values())}
            for start in (0, len(expected) // 2, len(expected) - 1):
                cursor = None
                if start:
                    before = (await tree.site.ask(LISTED, {**given, "first": start}))["storageFolder"]
                    cursor = before["descendantItems"]["pageInfo"]["endCursor"]
                page = (await tree.site.ask(LISTED, {**given, "first": size, "after": cursor}))["storageFolder"]
                found = [node["uuid"] for node in page["descendantItems"]["nodes"]]
                assert found == expected[start : start + size], (direction, wanted, start)
                assert page["descendantItems"]["totalCount"] == len(expected)
                page = (await tree.site.ask(LISTED, {**given, "last": size, "before": cursor}))["storageFolder"]
                found = [node["uuid"] for node in page["descendantItems"]["nodes"]]
                # The cursor is that of the last row of a page of `start` rows.
                end = start - 1 if start else len(expected)
                assert found == expected[max(end - size, 0) : end], (direction, wanted, start, "back")
