"""Rows of PostgreSQL that are read past psycopg's cursors are those that these would return."""

import asyncio
from typing import Any

import psycopg
import pytest

from gateway.database.engine import Database
from gateway.database.served_reader import numbered

VALUES: list[Any] = [0, -1, 40_000, 1 << 40, 1.5, True, None, "", "ü 🦊", "%s", "'", [1, 2], ["a", 'b"', "{}"], []]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_values_arrive_as_psycopg_sends_them(value: Any, postgres_database: Database) -> None:
    """Before a statement is prepared, and afterwards."""
    cast = {bool: "bool", int: "int8", float: "float8", list: "text[]"}.get(type(value), "text")
    text = f"SELECT %(value)s::{cast}, %(other)s::text, %(value)s::{cast}, '100 %%'"
    given = {"value": [*map(str, value)] if isinstance(value, list) else value, "other": "x"}
    url = postgres_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(url) as connection:
        expected = await (await connection.execute(text, given)).fetchall()
    for _ in range(8):
        assert await postgres_database.fetch(text, given) == expected


async def test_more_statements_than_are_kept_prepared(postgres_database: Database) -> None:
    for number in [*range(130), *range(130)]:
        for _ in range(7):
            assert await postgres_database.fetch(f"SELECT {number} + %(one)s", {"one": 1}) == [(number + 1,)]
    [(count,)] = await postgres_database.fetch("SELECT count(*) FROM pg_prepared_statements", ())
    assert 0 < count <= 100


@pytest.mark.parametrize("rows", [0, 1, 249, 250, 251, 20_000])
async def test_results_of_any_size(rows: int, postgres_database: Database) -> None:
    text = "SELECT number, repeat('x', 200) FROM generate_series(1, %(rows)s) AS number"
    fetched = await postgres_database.fetch(text, {"rows": rows})
    assert [row[0] for row in fetched] == [*range(1, rows + 1)]


async def test_parameters_larger_than_the_buffers_of_the_connection(postgres_database: Database) -> None:
    long = "ü" * 5_000_000
    assert await postgres_database.fetch("SELECT length(%(long)s::text)", {"long": long}) == [(len(long),)]


async def test_statements_that_take_longer_are_left_to_psycopg(postgres_database: Database) -> None:
    text = "SELECT number FROM generate_series(1, 3) AS number, pg_sleep(0.3)"
    for _ in range(7):
        assert await postgres_database.fetch(text, {}) == [(1,), (2,), (3,)]


async def test_an_error_leaves_the_reader_usable(postgres_database: Database) -> None:
    for _ in range(8):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await postgres_database.fetch("SELECT 1 / %(zero)s", {"zero": 0})
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await postgres_database.fetch("DELETE FROM folders", {})
    assert await postgres_database.fetch("SELECT 1", None) == [(1,)]


async def test_cancelled_statements_stop_in_the_database(postgres_database: Database) -> None:
    for seconds in (0.02, 0.2):  # while the reader waits itself, and while psycopg does
        reading = asyncio.create_task(postgres_database.fetch("SELECT pg_sleep(60)", {}))
        await asyncio.sleep(seconds)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    running = "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
    async with asyncio.timeout(5):
        while await postgres_database.fetch(running, {}):
            await asyncio.sleep(0.05)


async def test_connections_that_were_closed_while_idle_are_replaced(postgres_database: Database) -> None:
    for _ in range(3):
        assert await postgres_database.fetch("SELECT 1", {}) == [(1,)]
        url = postgres_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as other:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            other.execute(f"SELECT pg_terminate_backend(pid) {others}")
        await asyncio.sleep(0.1)
        assert await postgres_database.fetch("SELECT 2", {}) == [(2,)]


def test_placeholders_are_numbered() -> None:
    assert numbered("SELECT %(b)s, %(a)s || '%%', %(b)s") == (b"SELECT $1, $2 || '%', $1", ("b", "a"))
