"""Numbers of changes by the time: where the newer entries of journals begin."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gateway.ids import min_uuid7
from gateway.models.changes import change_places

_DAY = 86_400_000 << 80
"""A day's difference between UUIDs that begin with their time."""
_BEFORE_ALL = -1


def min_uuid7_of_day_before(moment: datetime) -> UUID:
    """Return the smallest version 7 UUID of the day before a time."""
    return UUID(int=max(0, min_uuid7(moment).int - _DAY))


def numbered_since(moment: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that an entry has a number of that time or later, or of the day before.

    Numbers are in the order of commits, UUIDs in that of the clocks. The first of these numbers is
    looked for in ever smaller ranges, so that a list ends there, and not with the oldest entry. No
    transaction takes a day, and no clock is set back by so much.
    """
    day_before = sa.literal(min_uuid7_of_day_before(moment), change_places.c.change_uuid.type)
    entry, last = change_places.alias(), change_places.alias()
    number = entry.c.sequence.type
    end = sa.select(sa.func.max(last.c.sequence) + 1).scalar_subquery()
    low, high = sa.literal(_BEFORE_ALL, number), sa.cast(end, number)
    ranges = sa.select(low.label("low"), high.label("high")).cte(recursive=True)
    middle = (ranges.c.low + ranges.c.high) // 2
    first_from = sa.select(entry.c.change_uuid).where(entry.c.sequence >= middle)
    is_older = first_from.order_by(entry.c.sequence).limit(1).scalar_subquery() < day_before
    half = sa.select(
        sa.case((is_older, middle), else_=ranges.c.low),
        sa.case((is_older, ranges.c.high), else_=middle),
    )
    ranges = ranges.union_all(half.where(ranges.c.high - ranges.c.low > 1))
    begins = sa.select(sa.func.max(ranges.c.low)).scalar_subquery()
    return change_places.c.sequence >= begins
