"""Answers that are kept are those that the database would give now, whoever changed it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.clock import now
from gateway.context import Context, Services
from gateway.database.dialects import blocking_url
from gateway.database.dialects import database_url as engine_url
from gateway.database.searches import add_functions
from gateway.execution.answers import Answer
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import OperationRequest, Operations
from gateway.execution.response_cache import ResponseCache
from gateway.models.folders import folders
from gateway.volatile import note_volatile
from schema.api import api
from tests.execution.test_same import DOCUMENTS, variables_of
from tests.execution.world import LIMITS, Both, both
from tests.fixtures.databases import open_database

SIZE = 1_000_000
ROUNDS = 40
VIEWERS = ("admin", "member", "stranger")
FORGETTABLE = ("folder_grants", "memberships", "folder_tags", "group_members", "collection_items", "data_rows")
"""Tables whose rows can be deleted without breaking anything else."""
TEXTS = ("name", "description", "title")


class Gateway:
    """A process of its own, as far as the database is concerned, which keeps answers."""

    def __init__(self, pair: Both, services: Services, size: int = SIZE) -> None:
        self.pair = pair
        self.services = services
        compiled = CompiledExecutor(api, services.database.sql_dialect, LIMITS.cost)
        self.keeping = Operations(api, LIMITS, compiled, responses=ResponseCache(size, services.database.state))
        self.plain = Operations(api, LIMITS, compiled)

    async def answer(self, text: str, variables: dict[str, Any], viewer: str) -> Answer:
        return await self._run(self.keeping, text, variables, viewer)

    async def fresh(self, text: str, variables: dict[str, Any], viewer: str) -> Answer:
        return await self._run(self.plain, text, variables, viewer)

    async def _run(self, operations: Operations, text: str, variables: dict[str, Any], viewer: str) -> Answer:
        context = Context(self.services, self.pair.world.viewers[viewer], "same")
        return await operations.execute(OperationRequest(text, variables, request_id="same"), context)


@asynccontextmanager
async def gateways(url: str, directory: Path) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Open a filled site with two gateways."""
    async with both(url, directory) as pair, open_database(url) as other:
        yield Gateway(pair, pair.services), Gateway(pair, replace(pair.services, database=other))


@contextmanager
def outsider(url: str) -> Iterator[Callable[[sa.Executable], None]]:
    """Yield a function that runs and commits a statement on a connection that nobody knows of."""
    engine = sa.create_engine(blocking_url(engine_url(url)))
    if engine.dialect.name == "sqlite":  # triggers call functions of ours
        sa.event.listen(engine, "connect", lambda connection, _record: add_functions(connection))

    def run(statement: sa.Executable) -> None:
        with engine.begin() as connection:
            connection.execute(statement)

    try:
        yield run
    finally:
        engine.dispose()


def random_change(chance: Random) -> sa.Executable:
    """Return a statement that changes a text of a row, or deletes a row of access or use."""
    tables = SQLModel.metadata.tables
    if chance.random() < 0.3:
        table = tables[chance.choice(FORGETTABLE)]
        keys = list(table.primary_key.columns)
        doomed = sa.select(*keys).order_by(sa.func.random()).limit(1)
        return sa.delete(table).where(sa.tuple_(*keys).in_(doomed))
    named = [(table, name) for table in tables.values() for name in TEXTS if name in table.c and "uuid" in table.c]
    table, name = chance.choice(named)
    chosen = sa.select(table.c.uuid).order_by(sa.func.random()).limit(1).scalar_subquery()
    text = f"{chance.randrange(1_000_000)}"
    return sa.update(table).where(table.c.uuid == chosen).values({name: text})


async def test_random_reads_and_writes_never_see_a_stale_answer(database_url: str, tmp_path: Path) -> None:
    """Three viewers read a few documents from two gateways, while either of them or an outsider writes."""
    chance, hits = Random(11), 0
    async with gateways(database_url, tmp_path) as both_gateways:
        world = both_gateways[0].pair.world
        texts = [document.read_text() for document in DOCUMENTS]
        requests = [(text, variables) for text in texts for variables in variables_of(text, world)]
        with outsider(database_url) as run_outside:
            for _ in range(ROUNDS):
                (text, variables), viewer = chance.choice(requests), chance.choice(VIEWERS)
                for _ in range(4):
                    gateway = chance.choice(both_gateways)
                    answer = await gateway.answer(text, variables, viewer)
                    hits += "cached" in answer.timing
                    expected = await gateway.fresh(text, variables, viewer)
                    assert orjson.loads(answer.json()) == orjson.loads(expected.json()), (text, variables, viewer)
                    if chance.random() < 0.4:
                        change, writer = random_change(chance), chance.choice([*both_gateways, None])
                        if writer is None:
                            await asyncio.to_thread(run_outside, change)
                        else:
                            async with writer.services.database.writing() as transaction:
                                await transaction.execute(change)
    assert hits > ROUNDS / 4


async def test_answers_are_never_older_than_their_requests(database_url: str, tmp_path: Path) -> None:
    """What was committed before a request is in its answer, while others read and write all the time."""
    async with gateways(database_url, tmp_path) as both_gateways:
        key = both_gateways[0].pair.world.folders[0]
        committed, kept = 0, 0

        async def write() -> None:
            nonlocal committed
            with outsider(database_url) as run_outside:
                for number in range(1, 41):
                    change = sa.update(folders).where(folders.c.uuid == key).values(description=str(number))
                    if number % 2:
                        await asyncio.to_thread(run_outside, change)
                    else:
                        async with both_gateways[0].services.database.writing() as transaction:
                            await transaction.execute(change)
                    committed = number
                    await asyncio.sleep(0.02)

        async def read(gateway: Gateway, writing: asyncio.Task[None]) -> None:
            nonlocal kept
            while not writing.done():
                least = committed
                document = "query($key: UUID!) { storageFolder(uuid: $key) { description } }"
                answer = await gateway.answer(document, {"key": str(key)}, "admin")
                assert int(orjson.loads(answer.json())["data"]["storageFolder"]["description"] or 0) >= least
                kept += "cached" in answer.timing
                await asyncio.sleep(0)

        async with both_gateways[0].services.database.writing() as transaction:
            await transaction.execute(sa.update(folders).where(folders.c.uuid == key).values(description="0"))
        writing = asyncio.create_task(write())
        await asyncio.gather(*(read(gateway, writing) for gateway in both_gateways * 2), writing)
        assert kept > 0


@pytest.mark.parametrize("field", ["rateLimit { limit }", "storageFolders(first: 1) { nodes { nope: uuid } } nope"])
async def test_only_answers_that_the_database_alone_decides_are_kept(
    field: str, database_url: str, tmp_path: Path
) -> None:
    async with gateways(database_url, tmp_path) as (gateway, _):
        for _ in range(2):
            answer = await gateway.answer(f"{{ {field} }}", {}, "admin")
            assert "cached" not in answer.timing


async def test_least_recently_used_answers_make_room(database_url: str, tmp_path: Path) -> None:
    async with both(database_url, tmp_path) as pair:
        gateway = Gateway(pair, pair.services, size=8_000)
        document = "query($size: Int!) { storageFolders(first: $size) { nodes { uuid } } }"

        async def is_kept(size: int) -> bool:
            return "cached" in (await gateway.answer(document, {"size": size}, "admin")).timing

        assert [await is_kept(size) for size in (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 1)] == [
            size in (1, 10) for size in range(12)
        ]


async def test_work_in_other_tasks_and_threads_is_observed() -> None:
    cache = ResponseCache(SIZE, lambda: asyncio.sleep(0, "same"))

    async def read_clock() -> Answer:
        await asyncio.gather(asyncio.to_thread(now))
        return Answer({})

    async def read_nothing() -> Answer:
        await asyncio.sleep(0)
        return Answer({})

    kept = [await cache.answer((run, ""), run) for run in (read_clock, read_clock, read_nothing, read_nothing)]
    note_volatile()  # nobody observes it
    assert ["cached" in answer.timing for answer in kept] == [False, False, False, True]
