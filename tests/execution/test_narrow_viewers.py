"""Searches have the same answer whether they start from folders, names with a text, or an index of all items."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from gateway.context import Context
from gateway.execution.cache import Cache
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from gateway.models.shares import item_shares
from resolvers.given_folders import extent_in_scope
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.inputs.lists import StorageScope
from resolvers.rare_texts import start_of_search
from tests.execution.world import Both
from tests.fixtures.narrow_viewers import force_plan

LIST = """{ totalCount pageInfo { hasNextPage endCursor } edges { cursor
    node { uuid name folderUuid url } }
  facets(by: [{attribute: ITEM_TYPE}, {attribute: OWNER}]) { values { value count } } }"""
SEARCH = f"""query($f: StorageItemFilter, $o: StorageItemOrder, $s: StorageScope, $first: Int, $after: String,
    $last: Int, $before: String) {{
  searchStorageItems(filter: $f, orderBy: $o, scope: $s, first: $first, after: $after, last: $last, before: $before)
  {LIST} }}"""
ADVANCED = """query($q: String!, $first: Int, $after: String) {
  searchStorageItemsAdvanced(query: $q, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor node { uuid name folderUuid } } } }"""
FOLDER = f"""query($folder: UUID!, $f: StorageItemFilter, $o: StorageItemOrder, $first: Int, $after: String) {{
  storageFolder(uuid: $folder) {{ descendantItems(filter: $f, orderBy: $o, first: $first, after: $after) {LIST}
    items(filter: $f, orderBy: $o, first: $first) {LIST} }} }}"""
FOLDERS = """query($first: Int, $after: String, $o: StorageOrder) {
  searchStorageFolders(first: $first, after: $after, orderBy: $o) {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor node { uuid path } } } }"""
OBJECTS = """query($text: String!, $o: SearchOrder, $first: Int, $after: String) {
  search(text: $text, orderBy: $o, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { cursor node { ... on Node { id } } } } }"""
TEXT = {"search": "ALP", "includeTombstones": True, "includePlaceholders": True}
FILTERS: list[dict[str, Any]] = [
    {"search": "a"},
    {"itemTypes": ["IMAGE", "VIDEO"]},
    {"search": "ite", "includeTombstones": True, "includePlaceholders": True},
    {"any": [{"search": "img"}, {"fileSize": {"from": "1"}}]},
]
RANGES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"fileSize": {"from": "1", "to": "100000"}}, {"field": "SIZE", "direction": "DESC"}),
    ({"createdAt": {"from": "2020-01-01T00:00:00Z"}, "includeTombstones": True}, {"field": "NAME"}),
    ({"itemTypes": ["IMAGE"], "includePlaceholders": True}, {"field": "DURATION"}),
    ({"fileSize": {"from": "10"}, "isInDataset": False}, {"field": "CREATED_AT", "direction": "DESC"}),
]
"""Filters that many items match, with the orders of their pages."""
QUERIES = ["a OR type:IMAGE", "name:*tem* -size:[1 TO 1000]"]


def by_texts(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    largest = {"field": "SIZE", "direction": "DESC"}
    yield SEARCH, {"f": TEXT, "first": 4, "o": largest}
    yield SEARCH, {"f": TEXT, "last": 3, "o": {"field": "NAME"}}
    for order in ({"field": "NAME"}, largest):
        yield FOLDER, {"f": TEXT, "first": 3, "o": order, "folder": folder}
    for order in ({"field": "RELEVANCE"}, {"field": "RELEVANCE", "direction": "DESC"}, {"field": "CREATED_AT"}):
        yield OBJECTS, {"text": "ALP", "first": 3, "o": order}


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for filter in FILTERS:
        yield SEARCH, {"f": filter, "first": 7}
        yield SEARCH, {"f": filter, "last": 5, "o": {"field": "SIZE", "direction": "DESC"}}
    yield SEARCH, {"f": FILTERS[0], "first": 100, "s": "PUBLIC", "o": {"field": "CREATED_AT"}}
    yield FOLDERS, {"first": 4}
    yield FOLDERS, {"first": 3, "o": {"field": "CREATED_AT", "direction": "DESC"}}
    for query in QUERIES:
        yield ADVANCED, {"q": query, "first": 7}


def walked(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for filter, order in RANGES:
        yield SEARCH, {"f": filter, "first": 5, "o": order}
        yield FOLDER, {"f": filter, "first": 5, "o": order, "folder": folder}
    for order in ({"field": "RELEVANCE"}, {"field": "NAME", "direction": "DESC"}, {"field": "LAST_EDITED_AT"}):
        yield OBJECTS, {"text": "dcm", "first": 20, "o": order}
    yield OBJECTS, {"text": "al", "first": 20, "o": {"field": "CREATED_AT"}}


async def answers(
    pair: Both, plan: str, viewer: str, asked: Iterable[tuple[str, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the answers to requests, each followed by that to its next page."""
    read = []
    for text, variables in asked:
        compiled, interpreted = await pair.bodies(text, variables, viewer)
        assert compiled == interpreted, (plan, viewer, variables)
        answer = orjson.loads(compiled)
        assert "errors" not in answer, (answer, variables)
        read.append(answer)
        [found] = answer["data"].values()
        found = (found or {}).get("descendantItems", found)
        if found and found["pageInfo"]["hasNextPage"] and "first" in variables:
            after = {"after": found["pageInfo"]["endCursor"]}
            read.append(orjson.loads((await pair.bodies(text, variables | after, viewer))[0]))
    return read


async def answers_by_all(
    pair: Both,
    monkeypatch: pytest.MonkeyPatch,
    plans: Sequence[str],
    viewer: str,
    asked: list[tuple[str, dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Return the answers to requests, which are the same by all plans."""
    by_plan = []
    for plan in plans:
        force_plan(monkeypatch, plan)
        by_plan.append(await answers(pair, plan, viewer, asked))
    assert by_plan[1:] == by_plan[:-1], viewer
    return by_plan[0]


def add_viewers(pair: Both) -> None:
    """Add viewers who see a part of what others see."""
    member, admin = pair.world.viewers["member"], pair.world.viewers["admin"]
    tree = pair.world.folders[1]
    pair.world.viewers |= {
        "member in a tree": replace(member, tree_uuid=tree),
        "admin in a tree": replace(admin, tree_uuid=tree),
        "member without phi": replace(member, sees_phi=False),
        "anonymous": replace(pair.world.viewers["stranger"], is_anonymous=True, sees_phi=False),
    }


async def test_all_plans_answer_alike(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """With cursors that are the same, so that a list can be continued by another plan."""
    add_viewers(pair)
    for viewer in pair.world.viewers:
        shown = await answers_by_all(pair, monkeypatch, ("narrow", "wide"), viewer, list(requests()))
        if viewer in ("admin", "member"):
            assert any(found["edges"] for answer in shown for found in answer["data"].values())


@pytest.mark.parametrize("viewer", ["admin", "member", "member in a tree", "stranger", "anonymous"])
async def test_walks_find_what_others_do(pair: Both, monkeypatch: pytest.MonkeyPatch, viewer: str) -> None:
    """Whether they fill a page, or the items of folders or of an index are sorted."""
    add_viewers(pair)
    public, below = pair.world.folders[2:4]
    async with pair.services.database.writing() as transaction:
        await transaction.execute(sa.update(folders).where(folders.c.uuid.in_([public, below])).values(is_public=True))
    asked = [*requests(), *walked(str(pair.world.folders[0])), *walked(str(public))]
    shown = await answers_by_all(pair, monkeypatch, ("walked", "late", "narrow", "wide"), viewer, asked)
    if viewer in ("admin", "member"):
        lists = [list_ for answer in shown for list_ in answer["data"].values()]
        edges = [(list_ or {}).get("descendantItems", list_ or {}).get("edges") for list_ in lists]
        assert sum(map(bool, edges)) > len(edges) / 2
        assert edges[-1]


async def test_rare_texts_are_found_alike(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the few names with the text are looked up first, or each item of folders is compared with it."""
    add_viewers(pair)
    asked = list(by_texts(str(pair.world.folders[0])))
    for viewer in pair.world.viewers:
        shown = await answers_by_all(pair, monkeypatch, ("rare", "wide"), viewer, asked)
        if viewer == "admin":
            found = [field for answer in shown for field in answer["data"].items()]
            assert all(list_["edges"] for name, list_ in found if name in ("searchStorageItems", "search"))
            assert any(list_["descendantItems"]["edges"] for name, list_ in found if name == "storageFolder")


async def test_rare_texts_are_found_alike_where_nothing_is_shared(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a search has only its own rows."""
    async with pair.services.database.writing() as transaction:
        await transaction.execute(sa.delete(item_shares))
        await transaction.execute(sa.update(items).values(is_shared=False))
        await transaction.execute(sa.update(folders).values(has_shares=False))
    asked = [each for each in by_texts(str(pair.world.folders[0])) if each[0] == SEARCH]
    shown = await answers_by_all(pair, monkeypatch, ("rare", "wide"), "admin", asked)
    assert all(answer["data"]["searchStorageItems"]["edges"] for answer in shown)


async def test_rare_texts_are_those_that_few_names_contain(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the index of names, which is read once for a text."""

    async def is_rare(text: str, viewer: str = "admin") -> bool:
        context = Context(pair.services, pair.world.viewers[viewer], "rare")
        arguments = {"scope": StorageScope.USER}
        query = EdgeQuery(context.viewer, StorageItemFilter(search=text), arguments)
        return (await start_of_search(context, query)).is_rare

    monkeypatch.setattr("resolvers.rare_texts.names_by_text", Cache[int](100, 100_000))
    assert await is_rare("ALP")
    assert not await is_rare("al")
    monkeypatch.setattr("resolvers.rare_texts.MOST_NAMES", 1)
    assert not await is_rare("alp")
    assert await is_rare("no such name")
    monkeypatch.setattr("resolvers.rare_texts.MOST_NAMES", 1_000)
    monkeypatch.setattr("resolvers.rare_texts.ITEMS_PER_NAME", 1_000_000)
    assert await is_rare("alp")
    assert not await is_rare("alp", "member")


async def test_narrow_viewers_are_those_who_see_few_items(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """By counters of folders, which are read once."""

    async def is_narrow(viewer: str, scope: StorageScope = StorageScope.USER) -> bool:
        context = Context(pair.services, pair.world.viewers[viewer], "narrow")
        query = EdgeQuery(context.viewer, arguments={"scope": scope})
        return await extent_in_scope(context, query, is_broad=True) is not None

    assert await is_narrow("member")
    assert not await is_narrow("admin")
    assert not await is_narrow("member", StorageScope.PUBLIC)
    async with pair.services.database.writing() as transaction:
        await transaction.execute(sa.update(folder_counters).values(files=1_000_000))
    assert await is_narrow("member")
    monkeypatch.setattr("resolvers.given_folders.KEPT_SECONDS", 0.000_001)
    assert not await is_narrow("member")


async def test_those_who_see_much_start_from_folders_unless_an_index_finds_few(
    pair: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their pages are walked first."""

    async def start(**filter: Any) -> tuple[bool, bool]:
        context = Context(pair.services, pair.world.viewers["member"], "much")
        query = EdgeQuery(context.viewer, StorageItemFilter(**filter), {"scope": StorageScope.USER})
        query = await start_of_search(context, query)
        return query.is_narrow, query.walks_first

    force_plan(monkeypatch, "narrow")
    assert await start(search="a") == await start(sha256="0" * 64) == (True, False)
    force_plan(monkeypatch, "walked")
    assert await start(search="a") == await start(is_in_dataset=True) == (True, True)
    assert await start(sha256="0" * 64) == await start(search="a", exact_name="Alpha") == (False, False)
    force_plan(monkeypatch, "wide")
    assert await start(search="a") == (False, False)
