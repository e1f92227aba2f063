"""Contract of sequences: numbers become visible in their order, so that a reader misses none."""

import asyncio
from contextlib import suppress
from random import Random

import sqlalchemy as sa

from gateway.catalog.ledger.sequences import SequenceName, draw_numbers
from gateway.database.engine import Database, Transaction
from gateway.models.people import groups
from tests.contracts.test_databases import add

WRITERS = 8
ROUNDS = 12


def number_groups(database: Database) -> None:
    """Let each transaction number the groups that it added without one, as their descriptions."""

    async def number(transaction: Transaction) -> None:
        unnumbered = sa.select(groups.c.uuid).where(groups.c.description == "")
        uuids = [row.uuid for row in await transaction.rows(unnumbered, sa.Row)]
        if not uuids:
            return
        drawn = await draw_numbers(transaction, SequenceName.JOBS, len(uuids))
        for uuid, value in zip(uuids, drawn, strict=True):
            written = sa.update(groups).where(groups.c.uuid == uuid)
            await transaction.execute(written.values(description=str(value)))

    database.before_commit(number)


async def numbers_after(database: Database, cursor: int) -> list[int]:
    rows = await database.rows(sa.select(groups.c.description), sa.Row)
    return sorted(int(row.description) for row in rows if int(row.description) > cursor)


async def test_reader_that_asks_for_greater_numbers_misses_none(database: Database) -> None:
    number_groups(database)
    random, seen, is_done = Random(1), list[int](), asyncio.Event()

    async def write(writer: int) -> None:
        for turn in range(ROUNDS):
            async with database.writing() as transaction:
                for each in range(random.randint(1, 3)):
                    await add(transaction, f"{writer}.{turn}.{each}")
                    await asyncio.sleep(random.random() / 500)

    async def read() -> None:
        while not is_done.is_set():
            seen.extend(await numbers_after(database, max(seen, default=0)))

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    is_done.set()
    await reading
    seen.extend(await numbers_after(database, max(seen)))
    assert seen == await numbers_after(database, 0) == [*range(1, len(seen) + 1)]
    assert len(seen) >= WRITERS * ROUNDS


async def test_transaction_draws_only_after_the_one_before_has_committed(database: Database) -> None:
    """Also if the first one takes long to commit."""
    has_drawn, may_commit = asyncio.Event(), asyncio.Event()
    order: list[int] = []

    async def draw_and_wait() -> None:
        async with database.writing() as transaction:
            order.extend(await draw_numbers(transaction, SequenceName.JOBS, 2))
            has_drawn.set()
            await may_commit.wait()
            order.append(0)

    async def draw() -> None:
        async with database.writing() as transaction:
            order.extend(await draw_numbers(transaction, SequenceName.JOBS, 1))

    async with asyncio.TaskGroup() as group:
        group.create_task(draw_and_wait())
        await has_drawn.wait()
        group.create_task(draw())
        await asyncio.sleep(0.2)
        may_commit.set()
    assert order == [1, 2, 0, 3]


async def test_numbers_of_a_transaction_that_is_rolled_back_are_drawn_again(database: Database) -> None:
    drawn: list[int] = []
    with suppress(ZeroDivisionError):
        async with database.writing() as transaction:
            drawn.extend(await draw_numbers(transaction, SequenceName.CHANGES, 3))
            raise ZeroDivisionError
    assert drawn == [1, 2, 3]
    async with database.writing() as transaction:
        assert [*await draw_numbers(transaction, SequenceName.CHANGES, 2)] == [1, 2]
        assert [*await draw_numbers(transaction, SequenceName.JOBS, 1)] == [1]
    async with database.writing() as transaction:
        assert [*await draw_numbers(transaction, SequenceName.CHANGES, 1)] == [3]


async def test_every_sequence_has_its_row(database: Database) -> None:
    async with database.writing() as transaction:
        for name in SequenceName:
            assert [*await draw_numbers(transaction, name, 1)] == [1]
