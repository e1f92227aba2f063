"""Pages of folders and trees whose items are partly shared there, compared with a model."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gateway.catalog.ledger.counters import recount
from gateway.ids import global_id, uuid7
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.folders import FolderCountersRecord, FolderRecord, folder_counters, folders
from gateway.models.items import ItemRecord, items
from gateway.models.shares import ItemShareRecord, item_shares
from tests.execution.shared_world import REPEATED
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = """(orderBy: $o, filter: $f, first: $first, after: $after, last: $last, before: $before) {
  nodes { uuid } edges { cursor } pageInfo { hasNextPage hasPreviousPage } totalCount
  facets(by: [{attribute: ITEM_TYPE}]) { values { value count } } }"""
ARGUMENTS = "$o: StorageItemOrder, $f: StorageItemFilter, $first: Int, $after: String, $last: Int, $before: String"
ONE = f"query($u: UUID!, {ARGUMENTS}) {{ storageFolder(uuid: $u) {{ page: FIELD{PAGE} }} }}"
MANY = """query($ids: [ID!]!, $o: StorageItemOrder, $first: Int, $last: Int) { nodes(ids: $ids) { ... on StorageFolder {
  uuid page: FIELD(orderBy: $o, first: $first, last: $last) { nodes { uuid } totalCount } } } }"""
COLUMNS = {
    "NAME": "name_key",
    "NATURAL_NAME": "natural_key",
    "SIZE": "file_size",
    "CREATED_AT": "created_at",
    "DURATION": "duration",
}


@dataclass
class Model:
    """A tree with items and their shares, as they were written."""

    site: Site
    top: UUID
    member: str
    below: dict[UUID, set[UUID]] = field(default_factory=dict)
    rows: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    places: dict[UUID, set[UUID]] = field(default_factory=dict)

    def listed(self, folders: set[UUID], order: str, descends: bool, kind: str | None) -> list[str]:
        """Return the items that are in any of the folders, in order."""
        column = COLUMNS[order]
        chosen = [
            row
            for uuid, row in self.rows.items()
            if self.places[uuid] & folders and kind in (None, row["item_type"]) and not row["is_tombstone"]
        ]
        valued = sorted(((row[column], row["uuid"]) for row in chosen if row[column] is not None), reverse=descends)
        lacking = sorted((row["uuid"] for row in chosen if row[column] is None), reverse=descends)
        return [str(uuid) for _, uuid in valued] + [str(uuid) for uuid in lacking]


async def insert_folder(model: Model, transaction: Any, path: str, parent: UUID) -> tuple[UUID, str]:
    """Insert a folder into the tree."""
    uuid = uuid7()
    values = {"uuid": uuid, "parent_uuid": parent, "path": path + uuid.hex, "name": "f", "name_key": "f"}
    await transaction.execute(sa.insert(folders), [new_row(FolderRecord, **values)])
    await transaction.execute(sa.insert(folder_counters), [new_row(FolderCountersRecord, folder_uuid=uuid)])
    model.below[uuid] = {uuid}
    return uuid, path + uuid.hex


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(shared_site: Site) -> Model:
    """Return a tree of two levels, of which only some folders have items that are shared into them."""
    site, chance = shared_site, random.Random(11)
    top, outside, group = UUID(await site.folder("top")), UUID(await site.folder("outside")), await site.group("g")
    await site.grant(str(top), group, "VIEWER")
    model = Model(site, top, await site.newcomer(group))
    async with site.services.database.writing() as transaction:
        path = (await transaction.single(sa.select(folders).where(folders.c.uuid == top), FolderRecord)).path
        model.below[top] = {top}
        for _ in range(6):
            middle, middle_path = await insert_folder(model, transaction, path, top)
            leaves = [await insert_folder(model, transaction, middle_path, middle) for _ in range(2)]
            model.below[middle] |= {uuid for uuid, _ in leaves}
            model.below[top] |= model.below[middle]
        every = [*model.below, outside]
        receiving = every[::2]
        shares = []
        for number in range(300):
            name = f"{chance.randrange(200)}"
            home = chance.choice(every)
            others = set(chance.sample(receiving, chance.choice([0, 0, 1, 3]))) - {home}
            row = new_row(
                ItemRecord,
                folder_uuid=home,
                item_type=chance.choice([StorageItemType.IMAGE, StorageItemType.PDF]),
                name=name,
                name_key=fold(name),
                natural_key=natural_key(fold(name)),
                file_size=chance.choice([None, number // 9]),
                duration=chance.choice([None, number / 7]),
                is_tombstone=number % 10 == 0,
                is_shared=bool(others),
            )
            model.rows[row["uuid"]], model.places[row["uuid"]] = row, {home, *others}
            same = {name: row[name] for name in REPEATED}
            shares += [new_row(ItemShareRecord, item_uuid=row["uuid"], folder_uuid=other, **same) for other in others]
        await transaction.execute(sa.insert(items), list(model.rows.values()))
        await transaction.execute(sa.insert(item_shares), shares)
        for folder in every:
            await recount(transaction, folder)
        marked = {above for above, below in model.below.items() if below & set(receiving)}
        await transaction.execute(sa.update(folders).where(folders.c.uuid.in_(marked)).values(has_shares=True))
    return model


def counts(page: dict[str, Any]) -> Counter[str]:
    """Return the items of a list by kind, from its facets."""
    return Counter({each["value"]: each["count"] for each in page["facets"][0]["values"]})


@pytest.mark.parametrize("who", ["admin", "member"])
@pytest.mark.parametrize("field", ["items", "descendantItems"])
@pytest.mark.parametrize("order", COLUMNS)
async def test_pages_have_shared_items_in_order(model: Model, field: str, order: str, who: str) -> None:
    """Each item once, forwards and backwards from any cursor, counted by kind."""
    viewer = model.member if who == "member" else who
    for folder in (model.top, *list(model.below)[1:4]):
        inside = model.below[folder] if field == "descendantItems" else {folder}
        for descends, kind in ((False, None), (True, None), (False, "PDF")):
            expected = model.listed(inside, order, descends, kind)
            given = {
                "u": str(folder),
                "o": {"field": order, "direction": "DESC" if descends else "ASC"},
                "f": {"itemTypes": [kind] if kind else []},
            }
            document = ONE.replace("FIELD", field)

            async def page(document: str = document, given: dict[str, Any] = given, **more: Any) -> dict[str, Any]:
                answer = await model.site.ask(document, {**given, **more}, viewer)
                found: dict[str, Any] = answer["storageFolder"]["page"]
                return found

            whole = await page(first=1000)
            assert [node["uuid"] for node in whole["nodes"]] == expected, (descends, kind)
            kinds = Counter(str(model.rows[UUID(uuid)]["item_type"]) for uuid in expected)
            assert (whole["totalCount"], counts(whole)) == (len(expected), kinds)
            for place in {0, len(expected) // 3, len(expected) - 1} if expected else ():
                cursor = whole["edges"][place]["cursor"]
                after = await page(first=7, after=cursor)
                assert [node["uuid"] for node in after["nodes"]] == expected[place + 1 : place + 8]
                assert after["pageInfo"]["hasNextPage"] == (place + 8 < len(expected))
                before = await page(last=7, before=cursor)
                assert [node["uuid"] for node in before["nodes"]] == expected[max(place - 7, 0) : place]


@pytest.mark.parametrize("field", ["items", "descendantItems"])
async def test_pages_of_many_folders_have_shared_items(model: Model, field: str) -> None:
    """Those with shares and those without, in one statement."""
    uuids = list(model.below)
    for order in ("NAME", "SIZE", "DURATION"):
        for end in ("first", "last"):
            given = {"ids": [global_id("StorageFolder", uuid) for uuid in uuids], "o": {"field": order}, end: 5}
            answer = await model.site.ask(MANY.replace("FIELD", field), given)
            for found in answer["nodes"]:
                uuid = UUID(found["uuid"])
                inside = model.below[uuid] if field == "descendantItems" else {uuid}
                expected = model.listed(inside, order, False, None)
                some = expected[:5] if end == "first" else expected[-5:]
                assert [node["uuid"] for node in found["page"]["nodes"]] == some
                assert found["page"]["totalCount"] == len(expected)
