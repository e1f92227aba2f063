"""Contract of both databases: many rows written by one statement are the same as if they were written one by one."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.database.row_sets import insert_many, update_many
from gateway.ids import uuid7, uuid7s
from gateway.kinds.enums import JobKind
from gateway.models.base import Json, Key, enum_type

ODD_TEXTS = ["", "a", '"', "\\", "\\u0000", '{"a": 1}', "NULL", "'", "ü 🦊", " a ", "%s", "$[0]", ":rows", "\u2028"]
ODD_JSON = [
    [True],
    [1],
    [1.0],
    ["1"],
    None,
    {},
    [],
    {"a": [1, True, None]},
    {"a": 1},
    {"a": True},
    {"a": "\\u0000\x01"},
]
ODD_FLOATS = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, math.pi, 2.0, -0.0, 9007199254740993.0, None]
ODD_NUMBERS = [0, 1, -(2**63), 2**63 - 1, 2**53 + 1, None]
MOMENTS = [datetime(2026, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 123_456, tzinfo=UTC)]
ROWS = 1_100
odd = sa.Table(
    "odd_values",
    sa.MetaData(),
    sa.Column("uuid", sa.Uuid(), primary_key=True),
    sa.Column("text", sa.Text()),
    sa.Column("key", Key),
    sa.Column("json", Json),
    sa.Column("real", sa.Float()),
    sa.Column("number", sa.BigInteger()),
    sa.Column("truth", sa.Boolean()),
    sa.Column("moment", sa.DateTime(timezone=True)),
    sa.Column("kind", enum_type(JobKind)),
    sa.Column("other", sa.Uuid()),
)
Change = Callable[[int, dict[str, Any]], dict[str, Any]]


def take(values: list[Any], index: int) -> Any:
    return values[index % len(values)]


def row_of(index: int, uuid: UUID, *, with_reals: bool) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "text": take(ODD_TEXTS, index),
        "key": "always",
        "json": take(ODD_JSON, index),
        "real": take(ODD_FLOATS, index) if with_reals else None,
        "number": take(ODD_NUMBERS, index),
        "truth": take([True, False, None], index),
        "moment": take(MOMENTS, index),
        "kind": take(list(JobKind), index),
        "other": take([uuid, None], index),
    }


async def stored(database: Database) -> list[dict[str, Any]]:
    """Return the rows of the table, with types of JSON that Python takes for equal told apart."""
    rows = await database.rows(sa.select(odd).order_by(odd.c.uuid), sa.Row)
    return [{**row._mapping, "json": repr(row.json), "real": repr(row.real)} for row in rows]


async def written(
    database: Database, rows: list[dict[str, Any]], change: Change | None = None
) -> list[list[dict[str, Any]]]:
    """Return what is stored of rows that are written together, and of the same ones written one by one."""
    changes = {row["uuid"]: change(index, row) for index, row in enumerate(rows)} if change else {}
    taken = []
    for are_many in (True, False):
        async with database.writing() as transaction:
            await transaction.connection.run_sync(lambda connection: odd.drop(connection, checkfirst=True))
            await transaction.connection.run_sync(odd.create)
            if are_many:
                await insert_many(transaction, odd, rows)
                await update_many(transaction, odd, changes)
            else:
                await transaction.execute(sa.insert(odd), rows)
                for uuid, values in changes.items():
                    await transaction.execute(sa.update(odd).where(odd.c.uuid == uuid).values(values))
        taken.append(await stored(database))
    return taken


@pytest.mark.parametrize("with_reals", [True, False])
@pytest.mark.parametrize("number", [1, 3, ROWS])
async def test_many_rows_are_stored_as_one_by_one(database: Database, number: int, with_reals: bool) -> None:
    rows = [row_of(index, uuid, with_reals=with_reals) for index, uuid in enumerate(uuid7s(number))]
    together, one_by_one = await written(database, rows)
    assert len(together) == number
    assert together == one_by_one


async def test_many_rows_are_changed_as_one_by_one(database: Database) -> None:
    """All odd values change places; a column with one new value for all has that."""
    rows = [row_of(index, uuid, with_reals=True) for index, uuid in enumerate(uuid7s(ROWS))]

    def change(index: int, row: dict[str, Any]) -> dict[str, Any]:
        moved = row_of(index + 1, row["uuid"], with_reals=True)
        return {**{name: moved[name] for name in ("text", "json", "real", "number", "truth")}, "key": "now"}

    together, one_by_one = await written(database, rows, change)
    assert {row["key"] for row in together} == {"now"}
    assert together == one_by_one


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
async def test_texts_that_json_does_not_pass_on_end_as_one_by_one(database: Database, text: str) -> None:
    """They are stored whole or refused, but never cut."""
    rows = [{**row_of(index, uuid7(), with_reals=False), "text": text} for index in range(9)]
    rows[0]["text"] = "another"
    ends = []
    for number in (9, 2):
        try:
            together, one_by_one = await written(database, rows[:number])
            assert together == one_by_one
            ends.append(together[1]["text"])
        except (sa.exc.StatementError, UnicodeEncodeError) as error:
            ends.append(type(error))
    assert ends[0] == ends[1]


def test_uuids_that_are_made_at_once_are_in_order() -> None:
    before, made = uuid7(), uuid7s(3_000)
    assert made == sorted(set(made))
    assert before < made[0]
    assert made[-1] < max(uuid7() for _ in range(100))
    assert {uuid.version for uuid in made} == {7}
    assert {uuid.variant for uuid in made} == {before.variant}
