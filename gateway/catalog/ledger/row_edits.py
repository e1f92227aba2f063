"""Rows that are changed one at a time: held by whoever changes them, and what is as it was already is no change."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.engine import Transaction
from gateway.errors import not_found
from gateway.models.base import fold, now


async def locked_row(
    transaction: Transaction, table: sa.Table, uuid: UUID, what: str, *path: str | int
) -> Any:
    """The row with that uuid, held until the transaction ends; raises `NOT_FOUND` at `path`."""
    row = await transaction.first(sa.select(table).where(table.c.uuid == uuid).with_for_update())
    if row is None:
        raise not_found(what, *path)
    return row


async def update_row(
    transaction: Transaction,
    user_uuid: UUID,
    table: sa.Table,
    object_type: str,
    present: Any,
    values: Mapping[str, Any],
    unsaid: Collection[str] = (),
) -> None:
    """Give a held row new values, with its keys of folded text, its time of edit and the record.

    Of values that are `unsaid` the record says only that they are others now.
    """
    new = {name: value for name, value in values.items() if getattr(present, name) != value}
    if not new:
        return
    keys = {f"{name}_key": fold(value) for name, value in new.items() if f"{name}_key" in table.c}
    changed = {**new, **keys, "last_edited_at": now()}
    await transaction.execute(sa.update(table).where(table.c.uuid == present.uuid).values(changed))
    before = {name: getattr(present, name) for name in new if name not in unsaid}
    after = {name: None if name in unsaid else value for name, value in new.items()}
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("UPDATE", object_type, present.uuid, None, before, after)],
    )


def changed_values(
    values: Mapping[UUID, Mapping[str, Any]], present: Mapping[UUID, Any]
) -> dict[UUID, dict[str, Any]]:
    """Of the values wanted for rows those that are not there already, for the rows that have any."""
    wanted = {
        uuid: {name: value for name, value in new.items() if getattr(present[uuid], name) != value}
        for uuid, new in values.items()
    }
    return {uuid: new for uuid, new in wanted.items() if new}


async def update_rows(
    transaction: Transaction, table: sa.Table, values: Mapping[UUID, Mapping[str, Any]]
) -> None:
    """Give rows new values, with keys of folded text and times of edit: one statement for all with the same columns."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for uuid, new in values.items():
        keys = {
            f"{name}_key": fold(value) for name, value in new.items() if f"{name}_key" in table.c
        }
        alike.setdefault(tuple(new), []).append(
            {"row": uuid, **new, **keys, "last_edited_at": now()}
        )
    mine = table.c.uuid == sa.bindparam("row", type_=table.c.uuid.type)
    for rows in alike.values():
        await transaction.execute(sa.update(table).where(mine), rows)
