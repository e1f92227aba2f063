"""Numbers of changes by the time: where the newer entries of journals begin."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gateway.ids import min_uuid7
from gateway.models.changes import change_places

_DAY = 86_400_000 << 80
"""A day's difference between UUIDs that begin with their time."""
_BEFORE_ALL = -1


def numbered_since(moment: datetime) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an entry is of that time or later.

    Numbers are in the order of commits, UUIDs in that of the clocks. A number is looked for by
    halves, from which on all entries are of the day before or later: a list then ends there, and
    not with the oldest entry. No transaction takes a day, nor are clocks set back by so much.
    """
    least = min_uuid7(moment)
    numbers = sa.select(sa.func.max(_halves(UUID(int=max(0, least.int - _DAY))).c.low))
    return [
        change_places.c.sequence >= numbers.scalar_subquery(),
        change_places.c.change_uuid >= least,
    ]


def _halves(least: UUID) -> sa.CTE:
    """Return ever smaller ranges of numbers, at whose ends the entries are older and not older."""
    entry, last = change_places.alias(), change_places.alias()
    number = entry.c.sequence.type
    end = sa.select(sa.func.max(last.c.sequence) + 1).scalar_subquery()
    start = sa.select(
        sa.literal(_BEFORE_ALL, number).label("low"), sa.cast(end, number).label("high")
    )
    halves = start.cte(recursive=True)
    middle = (halves.c.low + halves.c.high) // 2
    first_from = (
        sa.select(entry.c.change_uuid)
        .where(entry.c.sequence >= middle)
        .order_by(entry.c.sequence)
        .limit(1)
        .scalar_subquery()
    )
    is_older = first_from < sa.literal(least, entry.c.change_uuid.type)
    smaller = sa.select(
        sa.case((is_older, middle), else_=halves.c.low),
        sa.case((is_older, halves.c.high), else_=middle),
    )
    return halves.union_all(smaller.where(halves.c.high - halves.c.low > 1))
