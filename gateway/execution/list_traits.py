"""Traits of the lists of parents: what is known of a list before it is read."""

from collections.abc import Iterable
from enum import IntFlag
from functools import reduce
from operator import or_


class Trait(IntFlag):
    """Facts about the list of a parent by which the quickest way to read it is chosen.

    HIDES_ROWS: it may have rows that the viewer does not see.
    MANY_PARTS: it has more than `FEW_PARTS`.
    """

    HIDES_ROWS = 1
    MANY_PARTS = 2


def united_flags(flags: Iterable[int]) -> int:
    """Return what is true of some of the lists that have these flags."""
    return reduce(or_, flags, 0)
