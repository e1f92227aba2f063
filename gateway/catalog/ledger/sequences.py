"""Sequences whose numbers become visible in their order.

A reader that has seen a number has seen everything with a smaller one, so that it can follow what
changes by asking for greater numbers only. For that, a transaction draws its numbers last, and
holds the lock on the sequence until it has committed.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import draw_and_write
from gateway.database.engine import Transaction
from gateway.models.sequences import SequenceRecord, sequences


class SequenceName(StrEnum):
    """The sequences. A transaction that draws from several does so in this order.

    A migration inserts the row of each.
    """

    CHANGES = "changes"
    JOBS = "jobs"


async def draw_numbers(transaction: Transaction, name: SequenceName, count: int) -> range:
    """Return the next numbers of a sequence.

    All other transactions that draw from the sequence wait until this one has ended. Call it from
    a hook that runs before commits (`Database.before_commit`), where nothing follows but writing
    the numbers: waiting for any other lock would hold up everyone, or never end.
    """
    last = (await transaction.single(_draw(name, count), SequenceRecord)).value
    return range(last - count + 1, last + 1)


async def write_numbers(
    transaction: Transaction, name: SequenceName, table: sa.Table, uuids: Sequence[UUID]
) -> None:
    """Draw a number for each of these rows, and write it to their column `sequence`.

    On PostgreSQL this is one statement. As for `draw_numbers`, it must be the last one.
    """
    both = draw_and_write(transaction.connection, _draw(name, len(uuids)), table, uuids)
    if both is not None:
        await transaction.execute(both)
        return
    drawn = await draw_numbers(transaction, name, len(uuids))
    number = sa.update(table).where(table.c.uuid == sa.bindparam("key"))
    await transaction.execute(
        number.values(sequence=sa.bindparam("number")),
        [{"key": key, "number": value} for key, value in zip(uuids, drawn, strict=True)],
    )


def _draw(name: SequenceName, count: int) -> Any:
    return (
        sa.update(sequences)
        .where(sequences.c.name == name)
        .values(value=sequences.c.value + count)
        .returning(sequences.c.value)
    )
