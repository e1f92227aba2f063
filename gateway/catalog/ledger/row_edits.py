"""Locking and updating of single rows, with their derived columns and journal entries."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.clock import now
from gateway.database.engine import Transaction
from gateway.database.row_sets import update_many
from gateway.errors import not_found
from gateway.models.base import fold, natural_key, table_of

R = TypeVar("R", bound=SQLModel)


class _Total(NamedTuple):
    total: int


async def lock_row(
    transaction: Transaction, record: type[R], uuid: UUID, noun: str, *path: str | int
) -> R:
    """Lock the row with that UUID until the transaction ends, and return it.

    Args:
        noun: what the error calls the object, such as "dataset".
        path: the input field that the error names.

    Raises:
        DomainError: `NOT_FOUND`, if there is no such row.
    """
    table = table_of(record)
    row = await transaction.first(
        sa.select(table).where(table.c.uuid == uuid).with_for_update(), record
    )
    if row is None:
        raise not_found(noun, uuid, *path)
    return row


async def count_rows(
    transaction: Transaction, table: sa.FromClause, *conditions: sa.ColumnElement[bool]
) -> int:
    """Return the number of rows of a table that meet all conditions."""
    total = sa.select(sa.func.count().label("total")).select_from(table).where(*conditions)
    return (await transaction.single(total, _Total)).total


async def update_row(
    transaction: Transaction,
    user_uuid: UUID,
    record: type[R],
    object_type: str,
    row: R,
    values: Mapping[str, Any],
    redacted: Collection[str] = (),
    folder_uuid: UUID | None = None,
) -> None:
    """Update a locked row and write the change to the journal; equal values are no change.

    Args:
        object_type: what the journal calls the row.
        values: new values by column. Search keys (`name_key` for `name`) follow by themselves.
        redacted: columns whose values stay out of the journal, such as secrets.
        folder_uuid: the folder that contains the row, in whose journal the change appears.

    Raises:
        AttributeError: a name in `values` is not a column.
    """
    uuid: UUID = cast(Any, row).uuid
    new = changed_values({uuid: values}, {uuid: row}).get(uuid)
    if not new:
        return
    await update_rows(transaction, table_of(record), {uuid: new})
    before = {name: getattr(row, name) for name in new if name not in redacted}
    after = {name: None if name in redacted else value for name, value in new.items()}
    entry = JournalEntry("UPDATE", object_type, uuid, folder_uuid, before, after)
    await journal.append(transaction, user_uuid, [entry])


def changed_values(
    values: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, Any]
) -> dict[UUID, dict[str, Any]]:
    """Return the values that differ from those of the rows, for the rows that have any.

    Raises:
        AttributeError: a name in `values` is not a column.
    """
    changed = {
        uuid: {name: value for name, value in new.items() if getattr(rows[uuid], name) != value}
        for uuid, new in values.items()
    }
    return {uuid: new for uuid, new in changed.items() if new}


async def update_rows(
    transaction: Transaction, table: sa.Table, values: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """Write new values, with their search keys and the time of the edit, without the journal."""
    moment = now()
    edits: dict[UUID, dict[str, Any]] = {}
    for uuid, new in values.items():
        keys = {
            f"{name}_key": fold(value) for name, value in new.items() if f"{name}_key" in table.c
        }
        if "natural_key" in table.c and "name_key" in keys:
            keys["natural_key"] = natural_key(keys["name_key"])
        edits[uuid] = {**new, **keys, "last_edited_at": moment}
    await set_columns(transaction, table, edits)


async def set_columns(
    transaction: Transaction, table: sa.Table, values: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """Write columns of rows, by UUID and then by column, and nothing else.

    Rows with the same columns share one statement.

    Raises:
        TypeError: a name in `values` is not a column.
    """
    batches: dict[tuple[str, ...], dict[UUID, Mapping[str, Any]]] = {}
    for uuid, new in values.items():
        batches.setdefault(tuple(new), {})[uuid] = new
    for columns, rows in batches.items():
        if unknown := set(columns) - set(table.c.keys()):
            raise TypeError(f"{table.name} has no {', '.join(sorted(unknown))}")
        await update_many(transaction, table, rows)
