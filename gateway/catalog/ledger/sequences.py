"""Sequences whose numbers become visible in their order.

A reader that has seen a number has seen everything with a smaller one, so that it can follow what
changes by asking for greater numbers only. For that, a transaction draws its numbers last, and
holds the lock on the sequence until it has committed.
"""

from enum import StrEnum

import sqlalchemy as sa

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
    drawn = (
        sa.update(sequences)
        .where(sequences.c.name == name)
        .values(value=sequences.c.value + count)
        .returning(sequences.c.value)
    )
    last = (await transaction.single(drawn, SequenceRecord)).value
    return range(last - count + 1, last + 1)
