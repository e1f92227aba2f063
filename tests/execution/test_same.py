"""Both executors return the same bytes for every document."""

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
    """Return the values of the variables that a document uses."""
    sets: list[dict[str, Any]] = [
        {
            "folder": str(world.folders[number]),
            "pictures": str(world.folders[number]),
            "items": [str(uuid) for uuid in [*world.items[: number * 3], *world.folders[:number]]],
            "text": ["a", "stra", "ph"][number],
            "item": str(world.items[number]),
            "job": str(world.jobs[number + 2]),
            "dicom": str(world.folders[number]),
            "studies": str(world.folders[number]),
            "study": f"1.2.{number}",
            "uids": [f"1.2.{number}", "1.2.9"],
            "community": {"name": ["ärzte", "beta", "ZETA"][number]},
            "dataset": str(world.datasets[number + 1]),
            "yes": number % 2 == 0,
            "no": number > 1,
            "first": number + 1,
        }
        for number in range(3)
    ]
    return [{name: value for name, value in known.items() if f"${name}:" in text} for known in sets]


async def test_a_document_gives_equal_responses(pair: Both) -> None:
    for document in DOCUMENTS:
        text = document.read_text()
        for variables in variables_of(text, pair.world):
            for viewer in pair.world.viewers:
                compiled, interpreted = await pair.bodies(text, variables, viewer)
                assert compiled == interpreted, (document.name, viewer, variables)
                assert b'"errors"' not in interpreted[:10] or "# interpreted" in text, interpreted
    assert pair.compiled.outcomes["compiled"] == 9 * (len(DOCUMENTS) - 1), pair.compiled.reasons
    assert not pair.compiled.outcomes["deoptimized"]


async def test_pages_follow_one_another_in_both_executors(pair: Both) -> None:
    """Forwards and backwards in each order, with the cursors of the previous page."""
    for form, order in PAGES:
        for by in (
            "NAME",
            "CREATED_AT",
            "LAST_EDITED_AT",
            *(["SIZE", "DURATION", "HEIGHT"] if order == "StorageItemOrder" else []),
        ):
            for direction in ("ASC", "DESC"):
                arranged = f"orderBy: {{field: {by}, direction: {direction}}}"
                await _walk(pair, form, f"first: 2, after: $at, {arranged}", "endCursor")
                await _walk(pair, form, f"last: 2, before: $at, {arranged}", "startCursor")
    assert not pair.compiled.reasons


async def _walk(pair: Both, form: str, arguments: str, onward: str) -> None:
    field = form % (arguments, SELECTED)
    head = "$u: UUID!, $at: String" if "$u" in field else "$at: String"
    cursor: str | None = None
    for _ in range(4):
        variables = {"u": str(pair.world.folders[0]), "at": cursor} if "$u" in field else {"at": cursor}
        compiled, interpreted = await pair.bodies(f"query({head}) {{ {field} }}", variables, "admin")
        assert compiled == interpreted, (field, variables)
        cursors = re.findall(rb'"%s":"([^"]+)"' % onward.encode(), interpreted)
        assert "errors" not in orjson.loads(interpreted)
        cursor = cursors[0].decode() if cursors else None


async def test_pages_begin_at_an_item_in_both_executors(pair: Both) -> None:
    """In the list of one folder and of many, in each order, and not at what is hidden."""
    one = "storageFolder(uuid: $u) { items(%s) { edges { cursor node { uuid } } totalCount } }"
    many = "storageFolders { nodes { items(%s) { nodes { uuid } } } }"
    for number, field in enumerate(("NAME", "NATURAL_NAME", "CREATED_AT", "SIZE", "DURATION")):
        for direction in ("ASC", "DESC"):
            arguments = f"first: 3, startAt: $i, orderBy: {{field: {field}, direction: {direction}}}"
            variables = {"u": str(pair.world.folders[0]), "i": str(pair.world.items[number])}
            for form, viewers in ((one, pair.world.viewers), (many, ("admin",))):
                head = "$u: UUID!, $i: UUID!" if form is one else "$i: UUID!"
                for who in viewers:
                    text = f"query({head}) {{ {form % arguments} }}"
                    compiled, interpreted = await pair.bodies(text, variables, who)
                    assert compiled == interpreted
                    assert who != "admin" or "errors" not in orjson.loads(interpreted)


async def test_an_unexpected_row_falls_back_to_graphql_core(pair: Both) -> None:
    """A folder without counters: both executors report the same error, and the failure is not cached."""
    from sqlalchemy import delete

    from gateway.models.folders import folder_counters

    async with pair.services.database.writing() as transaction:
        await transaction.execute(delete(folder_counters).where(folder_counters.c.folder_uuid == pair.world.folders[0]))
    text = "query($u: UUID!) { storageFolder(uuid: $u) { name summary { files } } }"
    compiled, interpreted = await pair.bodies(text, {"u": str(pair.world.folders[0])}, "admin")
    assert compiled == interpreted
    assert b"INTERNAL_SERVER_ERROR" in compiled
    assert pair.compiled.outcomes["deoptimized"] == 1


async def test_a_row_deleted_between_two_reads_is_no_error(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """The items are read, then their folder is deleted and the items with it: the second read finds neither."""
    text = "query($u: UUID!) { storageFolder(uuid: $u) { items(first: 200) { nodes { name folder { name } } } } }"
    created, _ = await pair.bodies(MAKE, {}, "admin")
    folder = orjson.loads(created)["data"]["createStorageFolder"]["folder"]["uuid"]
    grouped = sa.select(group_members.c.item_uuid).union(sa.select(group_members.c.group_uuid))
    alone = items.c.uuid.not_in(grouped)
    async with pair.services.database.writing() as transaction:
        await transaction.execute(items.update().where(alone).values(folder_uuid=UUID(folder)))
    fetch, gone = type(pair.services.database).fetch, []

    async def interrupted(database: Database, sql: str, parameters: Any) -> list[tuple[Any, ...]]:
        rows = await fetch(database, sql, parameters)
        gone.append(sql)
        if len(gone) == 2:
            compiled, _ = await pair.bodies(DELETE, {"folder": folder}, "admin")
            assert b'"userErrors":[]' in compiled, compiled
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(type(pair.services.database), "fetch", interrupted)
        compiled, _ = await pair.bodies(text, {"u": folder}, "admin")
    assert "errors" not in orjson.loads(compiled)
    assert not pair.compiled.outcomes["deoptimized"], pair.compiled.reasons


async def test_an_error_after_the_operation_ended_is_not_logged(pair: Both, caplog: pytest.LogCaptureFixture) -> None:
    """The first of two errors ends the operation for both."""
    text = "{ storageFolders(first: -1) { totalCount } cloudIntegrations(scope: ORGANISATION) { totalCount } }"
    compiled, interpreted = await pair.bodies(text, {}, "stranger")
    assert b'"BAD_USER_INPUT"' in compiled and b'"BAD_USER_INPUT"' in interpreted
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
