"""Contract of the engine's connections to SQLite: a statement is one trip to the connection's thread."""

from typing import Any

import aiosqlite
import pytest
import sqlalchemy as sa

from gateway.database.engine import Database

NUMBERS = sa.table("numbers", sa.column("number", sa.Integer))


@pytest.fixture
async def trips(embedded_database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the threads of connections do, from when a table has been created."""
    made: list[Any] = []
    execute: Any = aiosqlite.Connection._execute

    async def noted(connection: aiosqlite.Connection, work: Any, *arguments: Any, **options: Any) -> Any:
        made.append(work)
        return await execute(connection, work, *arguments, **options)

    async with embedded_database.writing() as transaction:
        await transaction.execute(sa.text("CREATE TABLE numbers (number INTEGER UNIQUE)"))
    monkeypatch.setattr(aiosqlite.Connection, "_execute", noted)
    return made


async def test_a_statement_is_one_trip(embedded_database: Database, trips: list[Any]) -> None:
    rows = [{"number": number} for number in range(3)]
    async with embedded_database.writing() as transaction:
        trips.clear()  # the connection was opened, and BEGIN sent
        inserted = await transaction.execute(sa.insert(NUMBERS), rows)
        assert (inserted.rowcount, len(trips)) == (3, 1)
        added = await transaction.execute(sa.insert(NUMBERS).values(number=5).returning(NUMBERS.c.number))
        assert (added.scalars().all(), len(trips)) == ([5], 2)
        updated = await transaction.execute(sa.update(NUMBERS).values(number=NUMBERS.c.number + 10))
        assert (updated.rowcount, len(trips)) == (4, 3)
        assert await transaction.rows(sa.select(NUMBERS).order_by(NUMBERS.c.number), sa.Row) == [
            (10,),
            (11,),
            (12,),
            (15,),
        ]
        assert len(trips) == 4


async def test_a_failed_statement_leaves_the_transaction_to_others(
    embedded_database: Database, trips: list[Any]
) -> None:
    async with embedded_database.writing() as transaction:
        await transaction.execute(sa.insert(NUMBERS).values(number=1))
        with pytest.raises(sa.exc.IntegrityError):
            await transaction.execute(sa.insert(NUMBERS).values(number=1))
        await transaction.execute(sa.insert(NUMBERS).values(number=2))
    assert await embedded_database.rows(sa.select(NUMBERS).order_by(NUMBERS.c.number), sa.Row) == [(1,), (2,)]
