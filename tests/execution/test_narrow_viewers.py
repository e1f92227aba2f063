"""Searches have the same answer whether they start from the folders of a viewer or from an index of all items."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from gateway.context import Context
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folder_counters
from resolvers.given_folders import sees_few_items
from resolvers.inputs.lists import StorageScope
from tests.execution.world import Both
from tests.fixtures.narrow_viewers import PLANS, force_plan

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
FILTERS: list[dict[str, Any]] = [
    {"search": "a"},
    {"itemTypes": ["IMAGE", "VIDEO"]},
    {"search": "ite", "includeTombstones": True, "includePlaceholders": True},
    {"any": [{"search": "img"}, {"fileSize": {"from": "1"}}]},
]
QUERIES = ["a OR type:IMAGE", "name:*tem* -size:[1 TO 1000]"]


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for filter in FILTERS:
        yield SEARCH, {"f": filter, "first": 7}
        yield SEARCH, {"f": filter, "last": 5, "o": {"field": "SIZE", "direction": "DESC"}}
    yield SEARCH, {"f": FILTERS[0], "first": 100, "s": "PUBLIC", "o": {"field": "CREATED_AT"}}
    for query in QUERIES:
        yield ADVANCED, {"q": query, "first": 7}


async def answers(pair: Both, plan: str, viewer: str) -> list[Any]:
    """Return the answers to all requests, each followed by that to its next page."""
    read = []
    for text, variables in requests():
        compiled, interpreted = await pair.bodies(text, variables, viewer)
        assert compiled == interpreted, (plan, viewer, variables)
        answer = orjson.loads(compiled)
        assert "errors" not in answer, (answer, variables)
        read.append(answer)
        [found] = answer["data"].values()
        if found["pageInfo"]["hasNextPage"] and "first" in variables:
            after = {"after": found["pageInfo"]["endCursor"]}
            read.append(orjson.loads((await pair.bodies(text, variables | after, viewer))[0]))
    return read


async def test_both_plans_answer_alike(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """With cursors that are the same, so that a list can be continued by the other plan."""
    member, admin = pair.world.viewers["member"], pair.world.viewers["admin"]
    tree = pair.world.folders[1]
    pair.world.viewers |= {
        "member in a tree": replace(member, tree_uuid=tree),
        "admin in a tree": replace(admin, tree_uuid=tree),
        "member without phi": replace(member, sees_phi=False),
        "anonymous": replace(pair.world.viewers["stranger"], is_anonymous=True, sees_phi=False),
    }
    for viewer in pair.world.viewers:
        by_plan = []
        for plan in PLANS:
            force_plan(monkeypatch, plan)
            by_plan.append(await answers(pair, plan, viewer))
        assert by_plan[0] == by_plan[1], viewer
        if viewer in ("admin", "member"):
            assert any(found["edges"] for answer in by_plan[0] for found in answer["data"].values())


async def test_narrow_viewers_are_those_who_see_few_items(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """By counters of folders, which are read once."""

    async def is_narrow(viewer: str, scope: StorageScope = StorageScope.USER) -> bool:
        context = Context(pair.services, pair.world.viewers[viewer], "narrow")
        return await sees_few_items(context, EdgeQuery(context.viewer, arguments={"scope": scope}))

    assert await is_narrow("member")
    assert not await is_narrow("admin")
    assert not await is_narrow("member", StorageScope.PUBLIC)
    async with pair.services.database.writing() as transaction:
        await transaction.execute(sa.update(folder_counters).values(files=1_000_000))
    assert await is_narrow("member")
    monkeypatch.setattr("resolvers.given_folders.KEPT_SECONDS", 0.000_001)
    assert not await is_narrow("member")
