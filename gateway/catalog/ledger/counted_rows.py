"""Tables of numbers that have a row for what there is at least one of."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway.database.dialects import upsert
from gateway.database.engine import Transaction


async def add_to_counts(
    transaction: Transaction,
    number: sa.Column[Any],
    parent: sa.Column[Any],
    changes: Mapping[tuple[Any, ...], int],
) -> None:
    """Add to numbers, by the primary keys of their rows, which are removed at 0.

    Args:
        number: the column with the numbers.
        parent: the column that one of the keys refers to; nothing is counted where it has no row.
    """
    table: Any = number.table
    keys = list(table.primary_key.columns)
    bound = [sa.bindparam(f"of_{key.key}", type_=key.type) for key in keys]
    names = [each.key for each in bound]
    rows = {
        is_more: [
            {**dict(zip(names, key, strict=True)), "of_number": change}
            for key, change in sorted(changes.items())
            if change and (change > 0) == is_more
        ]
        for is_more in (True, False)
    }
    added = sa.cast(sa.bindparam("of_number", type_=number.type), number.type)
    if rows[True]:
        of_parent = [
            (parent, each) if key.references(parent) else (sa.cast(each, key.type), None)
            for key, each in zip(keys, bound, strict=True)
        ]
        values = sa.select(*(value for value, _ in of_parent), added)
        values = values.where(*(parent == each for _, each in of_parent if each is not None))
        insert = upsert(transaction.connection, table).from_select([*keys, number], values)
        total = {number.key: number + insert.excluded[number.key]}
        same = [key.key for key in keys]
        await transaction.execute(
            insert.on_conflict_do_update(index_elements=same, set_=total), rows[True]
        )
    if rows[False]:
        is_same = [key == each for key, each in zip(keys, bound, strict=True)]
        less = sa.update(table).where(*is_same).values({number: number + added})
        await transaction.execute(less, rows[False])
        unused = sa.delete(table).where(*is_same, number <= 0)
        await transaction.execute(unused, rows[False])
