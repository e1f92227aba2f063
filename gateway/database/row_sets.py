"""Many rows written by one statement, which takes them as the text of a JSON array.

A statement for each row costs several times as much: PostgreSQL starts and ends each, and SQLite
writes its full-text indexes out after each.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from gateway.database.engine import Transaction

_FEW = 4
"""Up to so many rows are written one by one, by a statement that is the same for any values."""
_MOST = 500
"""Rows of one statement: preparing that many takes a millisecond or two."""
_UNSAFE = b"\\u0000"
"""A null character in JSON, at which SQLite ends a text; rows with one are written one by one."""


class _Given(NamedTuple):
    """Rows as parameters: columns that differ are in `rows`, all others have one value for all."""

    varying: tuple[str, ...]
    constant: tuple[str, ...]
    parameters: dict[str, Any]


async def insert_many(
    transaction: Transaction, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all have the same columns, in their order."""
    for batch in _batches(rows):
        if given := _as_parameters(transaction, table, batch):
            insert = _insert(transaction.connection.dialect.name, table, *given[:2])
            await transaction.connection.execute(insert, given.parameters)
        else:
            await transaction.execute(sa.insert(table), list(map(dict, batch)))


async def update_many(
    transaction: Transaction, table: sa.Table, values: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """Write the same columns of rows, by UUID and then by column; the caller has locked the rows.

    Raises:
        KeyError: a name is not a column.
    """
    key = sa.bindparam("row_uuid", type_=table.c.uuid.type)
    for batch in _batches([{"uuid": uuid, **new} for uuid, new in values.items()]):
        if given := _as_parameters(transaction, table, batch):
            update = _update(transaction.connection.dialect.name, table, *given[:2])
            await transaction.connection.execute(update, given.parameters)
            continue
        columns = {name: sa.bindparam(name, type_=table.c[name].type) for name in batch[0]}
        del columns["uuid"]
        one = sa.update(table).where(table.c.uuid == key).values(columns)
        await transaction.execute(one, [{"row_uuid": row["uuid"], **row} for row in batch])


def _batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for start in range(0, len(rows), _MOST):
        yield rows[start : start + _MOST]


def _as_parameters(
    transaction: Transaction, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> _Given | None:
    """Return rows as the parameters of one statement; None if they are better written one by one.

    They are if they are few, or have values that JSON cannot pass on as they are.
    """
    if len(rows) <= _FEW:
        return None
    dialect = transaction.connection.dialect
    varying: dict[str, Sequence[Any]] = {}
    parameters: dict[str, Any] = {}
    for name in rows[0]:
        type_, values = table.c[name].type.dialect_impl(dialect), [row[name] for row in rows]
        if _are_same(type_, values):
            parameters[f"all_{name}"] = values[0]
        elif isinstance(type_, sa.Float) and dialect.name == "sqlite":
            return None  # SQLite reads some numbers in JSON a little differently
        else:
            varying[name] = _as_json(dialect, type_, values)
    try:
        parameters["rows"] = _written(dialect.name, varying)
    except TypeError:  # texts that cannot be encoded: the driver's error says more
        return None
    constant = tuple(name for name in rows[0] if name not in varying)
    return _Given(tuple(varying), constant, parameters) if parameters["rows"] else None


def _are_same(type_: sa.types.TypeEngine[Any], values: Sequence[Any]) -> bool:
    first = values[0]
    if isinstance(type_, sa.JSON):  # where 1 is equal to true
        return all(value is first for value in values)
    return values.count(first) == len(values)


def _as_json(
    dialect: sa.Dialect, type_: sa.types.TypeEngine[Any], values: Sequence[Any]
) -> Sequence[Any]:
    """Return the values of a column as they are written in JSON, whose numbers have 64 bits."""
    if dialect.name != "sqlite" and isinstance(type_, sa.JSON):
        return values
    convert = type_.bind_processor(dialect)
    return [convert(value) for value in values] if convert else values


def _written(dialect: str, varying: Mapping[str, Sequence[Any]]) -> str | None:
    """Return the rows as JSON; None if a text in them cannot be passed on."""
    rows: list[Any] = list(zip(*varying.values(), strict=True))
    if dialect != "sqlite":
        rows = [dict(zip(varying, row, strict=True)) for row in rows]
    text = orjson.dumps(rows)
    return None if not varying or _UNSAFE in text else text.decode()


def _source(
    dialect: str, table: sa.Table, varying: tuple[str, ...]
) -> tuple[sa.FromClause, dict[str, sa.ColumnElement[Any]]]:
    """Return the rows in `rows` as a table, and its columns by name."""
    rows = sa.bindparam("rows", type_=sa.Text())
    if dialect == "sqlite":
        each = sa.func.json_each(rows).table_valued("value", name="given")
        extracted: dict[str, sa.ColumnElement[Any]] = {
            name: sa.type_coerce(
                sa.func.json_extract(each.c.value, sa.literal_column(f"'$[{index}]'")),
                table.c[name].type,
            )
            for index, name in enumerate(varying)
        }
        return each, extracted
    typed = [sa.column(name, table.c[name].type) for name in varying]
    record = sa.func.json_to_recordset(sa.cast(rows, JSON())).table_valued(*typed, name="given")
    derived = record.render_derived(with_types=True)
    return derived, {name: derived.c[name] for name in varying}


def _constants(table: sa.Table, constant: tuple[str, ...]) -> dict[str, sa.ColumnElement[Any]]:
    return {name: sa.bindparam(f"all_{name}", type_=table.c[name].type) for name in constant}


@lru_cache(maxsize=500)
def _insert(
    dialect: str, table: sa.Table, varying: tuple[str, ...], constant: tuple[str, ...]
) -> sa.Insert:
    source, columns = _source(dialect, table, varying)
    columns |= _constants(table, constant)
    selected = sa.select(*columns.values()).select_from(source)
    return sa.insert(table).from_select(list(columns), selected)


@lru_cache(maxsize=500)
def _update(
    dialect: str, table: sa.Table, varying: tuple[str, ...], constant: tuple[str, ...]
) -> sa.Update:
    _, columns = _source(dialect, table, varying)
    columns |= _constants(table, constant)
    key = columns.pop("uuid")
    return sa.update(table).where(table.c.uuid == key).values(columns)
