"""Both executors give the same bytes for every document."""

import gc
import re
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.models.items import group_members, items
from tests.execution.world import Both, World
from tests.house.sources import ROOT

OWN = ROOT / "tests" / "execution" / "corpus"
DOCUMENTS = sorted([*(ROOT / "tests" / "queries").glob("*.graphql"), *OWN.glob("*.graphql")])
PAGES = (
    ("storageFolder(uuid: $u) { items(%s) { %s } }", "StorageItemOrder"),
    ("storageFolder(uuid: $u) { subfolders(%s) { %s } }", "StorageOrder"),
    ("searchStorageFolders(%s) { %s }", "StorageOrder"),
)
MAKE = 'mutation { createStorageFolder(input: { name: "short-lived" }) { folder { uuid } } }'
DELETE = """
mutation($folder: UUID!) {
  deleteStorageFolder(
    input: { folderUuid: $folder, recursive: true, allowDatasetChanges: true, allowMirrorDatasetChanges: true }
  ) { userErrors { message } }
}
"""
SELECTED = (
    "edges { cursor node { uuid name } } totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage }"
)


def variables_of(text: str, world: World) -> list[dict[str, Any]]:
    """Values for the variables that a document names."""
    sets: list[dict[str, Any]] = [
        {
            "folder": str(world.folders[number]),
            "items": [str(uuid) for uuid in [*world.items[: number * 3], *world.folders[:number]]],
            "text": ["a", "stra", "ph"][number],
            "item": str(world.items[number]),
            "job": str(world.jobs[number + 2]),
            "dataset": str(world.datasets[number + 1]),
            "yes": number % 2 == 0,
            "no": number > 1,
            "first": number + 1,
        }
        for number in range(3)
    ]
    return [{name: value for name, value in known.items() if f"${name}:" in text} for known in sets]


async def test_a_document_has_one_answer(pair: Both) -> None:
    for document in DOCUMENTS:
        text = document.read_text()
        for variables in variables_of(text, pair.world):
            for who in pair.world.viewers:
                quick, slow = await pair.bodies(text, variables, who)
                assert quick == slow, (document.name, who, variables)
                assert b'"errors"' not in slow[:10] or "# interpreted" in text, slow
    assert pair.compiled.outcomes["compiled"] == 9 * (len(DOCUMENTS) - 1), pair.compiled.reasons
    assert not pair.compiled.outcomes["deoptimised"]


async def test_pages_follow_one_another_alike(pair: Both) -> None:
    """Forwards and backwards by each order, with the cursors that the pages before gave."""
    for form, order in PAGES:
        for by in ("NAME", "CREATED_AT", "LAST_EDITED_AT", *(["SIZE"] if order == "StorageItemOrder" else [])):
            for direction in ("ASC", "DESC"):
                arranged = f"orderBy: {{field: {by}, direction: {direction}}}"
                await _walk(pair, form, f"first: 2, after: $at, {arranged}", "endCursor")
                await _walk(pair, form, f"last: 2, before: $at, {arranged}", "startCursor")
    assert not pair.compiled.reasons


async def _walk(pair: Both, form: str, arguments: str, onward: str) -> None:
    field = form % (arguments, SELECTED)
    head = "$u: UUID!, $at: String" if "$u" in field else "$at: String"
    at: str | None = None
    for _ in range(4):
        variables = {"u": str(pair.world.folders[0]), "at": at} if "$u" in field else {"at": at}
        quick, slow = await pair.bodies(f"query({head}) {{ {field} }}", variables, "admin")
        assert quick == slow, (field, variables)
        found = re.findall(rb'"%s":"([^"]+)"' % onward.encode(), slow)
        assert "errors" not in orjson.loads(slow)
        at = found[0].decode() if found else None


async def test_a_surprise_is_left_to_graphql_core(pair: Both) -> None:
    """A folder without its counters: an error in one, the same error in the other, and nothing kept of the failure."""
    from sqlalchemy import delete

    from gateway.models.folders import folder_counters

    async with pair.services.database.writing() as transaction:
        await transaction.execute(delete(folder_counters).where(folder_counters.c.folder_uuid == pair.world.folders[0]))
    text = "query($u: UUID!) { storageFolder(uuid: $u) { name summary { files } } }"
    quick, slow = await pair.bodies(text, {"u": str(pair.world.folders[0])}, "admin")
    assert quick == slow
    assert b"INTERNAL_SERVER_ERROR" in quick
    assert pair.compiled.outcomes["deoptimised"] == 1


async def test_a_row_that_goes_in_between_is_no_failure(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The items are read, then their folder is deleted, and with it the items: the second look finds neither."""
    text = "query($u: UUID!) { storageFolder(uuid: $u) { items(first: 200) { nodes { name folder { name } } } } }"
    made, _ = await pair.bodies(MAKE, {}, "admin")
    folder = orjson.loads(made)["data"]["createStorageFolder"]["folder"]["uuid"]
    grouped = sa.select(group_members.c.item_uuid).union(sa.select(group_members.c.group_uuid))
    alone = items.c.uuid.not_in(grouped)
    async with pair.services.database.writing() as transaction:
        await transaction.execute(items.update().where(alone).values(folder_uuid=UUID(folder)))
    fetch, gone = type(pair.services.database).fetch, []

    async def interrupted(database: Database, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        rows = await fetch(database, sql, parameters)
        gone.append(sql)
        if len(gone) == 2:
            quick, _ = await pair.bodies(DELETE, {"folder": folder}, "admin")
            assert b'"userErrors":[]' in quick, quick
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(type(pair.services.database), "fetch", interrupted)
        quick, _ = await pair.bodies(text, {"u": folder}, "admin")
    assert "errors" not in orjson.loads(quick)
    assert not pair.compiled.outcomes["deoptimised"], pair.compiled.reasons


async def test_a_refusal_that_nobody_waits_for_is_not_logged(pair: Both, caplog: pytest.LogCaptureFixture) -> None:
    """The first of two ends the operation for both."""
    text = "{ storageFolders(first: 0) { totalCount } cloudIntegrations(scope: ORGANISATION) { totalCount } }"
    quick, slow = await pair.bodies(text, {}, "stranger")
    assert b'"BAD_USER_INPUT"' in quick and b'"BAD_USER_INPUT"' in slow
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
