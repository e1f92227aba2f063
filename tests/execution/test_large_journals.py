"""Journals of subtrees: pages merged from those of many folders, by work that does not grow with the entries."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.engine import Database
from gateway.execution import keysets, statements
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.declarations import EdgeQuery
from gateway.execution.pagination import read_page_arguments
from gateway.ids import min_uuid7, uuid7
from gateway.kinds.enums import SiteRole
from gateway.models.base import new_row
from gateway.models.changes import ChangePlaceRecord, ChangeRecord, change_places, changes
from gateway.models.folders import FolderRecord, folders
from resolvers.changes import journal_below, journal_of
from tests.fixtures.sites import Site
from tests.fixtures.work import work_of

START = datetime(2030, 1, 1, tzinfo=UTC)
FOLDERS = 20
LISTED = """query($u: UUID!, $since: DateTime, $first: Int, $after: String, $last: Int, $before: String) {
  storageFolder(uuid: $u) { descendantJournal(since: $since, first: $first, after: $after, last: $last, before: $before)
  { nodes { uuid } pageInfo { startCursor endCursor hasNextPage } totalCount } } }"""
SPREADS: dict[str, Callable[[int], set[int]]] = {
    "alternating": lambda number: {number % FOLDERS},
    "in turn": lambda number: {number * FOLDERS // 300},
    "in one": lambda number: {3 if number % 7 else 4},
    "in several": lambda number: {number % 5, number % 7, 11},
    "at random": lambda number: {random.Random(number).randrange(FOLDERS)},
}


async def add_folders(database: Database, top: UUID | None) -> list[UUID]:
    """Add folders below one, or a root with folders; return the root and them."""
    async with database.writing() as transaction:
        path, below = "", []
        if top is not None:
            found = sa.select(folders).where(folders.c.uuid == top)
            path, below = (await transaction.single(found, FolderRecord)).path, [top]
        while len(below) <= FOLDERS:
            uuid = uuid7()
            parent = below[0] if below else None
            row = new_row(FolderRecord, uuid=uuid, parent_uuid=parent, path=path + uuid.hex, name="f", name_key="f")
            await transaction.execute(sa.insert(folders), [row])
            path = path or uuid.hex
            below.append(uuid)
    return below


async def add_entries(database: Database, journals: list[set[UUID]], first: int = 1) -> list[UUID]:
    """Add a change a minute, each to several journals; return the changes."""
    keys = [UUID(int=min_uuid7(START + timedelta(minutes=number)).int + number) for number in range(len(journals))]
    rows = [
        new_row(ChangeRecord, uuid=key, action="UPDATE", object_type="StorageFolder", object_uuid=min(listed))
        for key, listed in zip(keys, journals, strict=True)
    ]
    places = [
        new_row(ChangePlaceRecord, folder_uuid=folder, change_uuid=key, sequence=first + number)
        for number, (key, listed) in enumerate(zip(keys, journals, strict=True))
        for folder in listed
    ]
    async with database.writing() as transaction:
        await transaction.execute(sa.insert(changes), rows)
        await transaction.execute(sa.insert(change_places), places)
    return keys


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("size", [20, 100])
async def test_pages_are_those_of_all_entries(site: Site, spread: str, size: int) -> None:
    """In both directions, however the entries are spread over the folders; each change comes once."""
    top = await site.folder("top")
    below = await add_folders(site.services.database, UUID(top))
    elsewhere = await add_folders(site.services.database, None)
    drawn = [{below[index] for index in SPREADS[spread](number)} for number in range(300)]
    mixed = [listed if number % 3 else {elsewhere[1]} for number, listed in enumerate(drawn)]
    keys = await add_entries(site.services.database, mixed, first=1_000)
    expected = [str(key) for number, key in enumerate(keys) if number % 3]
    since = START + timedelta(minutes=100)
    for begins, wanted in ((None, expected), (since, [key for key in expected if UUID(key) >= min_uuid7(since)])):
        forward, after = [], None
        while True:
            listed = await page(site, u=top, since=begins and begins.isoformat(), first=size, after=after)
            forward += [node["uuid"] for node in listed["nodes"]]
            after = listed["pageInfo"]["endCursor"]
            if not listed["pageInfo"]["hasNextPage"]:
                break
        shown = forward if begins else forward[: len(wanted)]  # what comes then is the creation of the folder
        assert shown == wanted[::-1]
        assert listed["totalCount"] == len(forward)
        last = await page(site, u=top, since=begins and begins.isoformat(), last=size, before=after)
        assert [node["uuid"] for node in last["nodes"]] == forward[-size - 1 : -1]


async def test_pages_of_several_folders_are_those_of_each(site: Site) -> None:
    """In one document, whether they have few folders below or many, or hide entries from the viewer."""
    top = await site.folder("several")
    many, few, partly = [await site.folder(name, top) for name in ("many", "few", "partly")]
    await add_folders(site.services.database, UUID(many))
    private = await site.folder("private", partly)
    await set_visibility(site, top, "PUBLIC")
    await set_visibility(site, private, "PRIVATE")
    group = await site.group("readers")
    await site.grant(top, group, "VIEWER")
    journal = "descendantJournal(first: 3) { totalCount nodes { uuid } pageInfo { hasNextPage } }"
    together = (
        f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ subfolders(first: 3) {{ nodes {{ uuid {journal} }} }} }} }}"
    )
    single = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ uuid {journal} }} }}"
    shown = []
    for viewer in ("admin", await site.newcomer(group), await site.newcomer()):
        listed = (await site.ask(together, {"u": top}, viewer))["storageFolder"]["subfolders"]["nodes"]
        assert {each["uuid"] for each in listed} == {many, few, partly}
        assert listed == [(await site.ask(single, {"u": each["uuid"]}, viewer))["storageFolder"] for each in listed]
        shown.append({each["uuid"]: each["descendantJournal"]["totalCount"] for each in listed})
    of_admin, of_reader, of_stranger = shown
    assert of_admin == of_reader
    assert of_stranger[partly] < of_reader[partly]


async def set_visibility(site: Site, folder: str, visibility: str) -> None:
    given = {"folderUuid": folder, "visibility": visibility}
    await site.done("setStorageFolderVisibility", given, "folder { uuid }")


async def page(site: Site, **variables: Any) -> dict[str, Any]:
    listed: dict[str, Any] = (await site.ask(LISTED, variables))["storageFolder"]["descendantJournal"]
    return listed


async def work(database: Database, edge: Any, folder: UUID, since: datetime | None) -> int:
    """Return how many steps SQLite takes for a page, or how many rows PostgreSQL reads."""
    viewer = Viewer(uuid4(), SiteRole.ADMIN)
    query = EdgeQuery(viewer, arguments={"since": since})
    request = read_page_arguments(edge, query, {"first": 20})
    statement = statements.page(edge, query, request, [changes.c.uuid], database.dialect, False)
    compiled = StatementCache(database.sql_dialect).get("journal", lambda: statement)
    key = folder.hex if database.dialect == "sqlite" else folder
    parameters = compiled.parameters(viewer, {keysets.SIZE: 21, keysets.KEY: key})
    return await work_of(database, compiled.sql, parameters)


@pytest.mark.parametrize("recent", ["here", "elsewhere"])
@pytest.mark.parametrize("since", [None, 0.6, 20.0])
async def test_the_work_does_not_grow_with_the_entries(database: Database, recent: str, since: float | None) -> None:
    """Neither with those of the subtree nor with those of other folders, since any time.

    PostgreSQL reads the entries of a site in their order if it takes those of the subtree for frequent.
    """
    if database.dialect != "sqlite" and recent == "elsewhere":
        pytest.skip("PostgreSQL decides by its statistics")
    tree, other = await add_folders(database, None), await add_folders(database, None)
    older, newer = (other, tree) if recent == "here" else (tree, other)
    done: dict[int, list[int]] = {}
    for size in (2_500, 10_000):
        async with database.writing() as transaction:
            await transaction.execute(sa.delete(change_places))
            await transaction.execute(sa.delete(changes))
        half = [{older[number % FOLDERS]} for number in range(size)]
        await add_entries(database, [*half, *({newer[number % FOLDERS]} for number in range(size))])
        if database.dialect != "sqlite":
            async with database.writing() as transaction:
                await transaction.execute(sa.text("ANALYZE"))
        begins = None if since is None else START + timedelta(minutes=since * size)
        pages = ((journal_below, tree[0]), (journal_of, tree[1]))
        done[size] = [await work(database, edge, folder, begins) for edge, folder in pages]
    for small, large in zip(*done.values(), strict=True):
        assert large < 1.5 * small + 1_000, done
