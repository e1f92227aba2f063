"""Matching of persons' names by the wildcards of DICOM: `*` for any characters, `?` for one."""

from typing import Any

import sqlalchemy as sa

from gateway.database.searches import matches_pattern
from gateway.models.base import fold

_COMPONENTS = 5
"""Components of a name, of which the last may be empty, but for the first."""


def matches_name(key: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that one group of a folded person's name matches a pattern.

    Case is ignored, and so are empty components at the end. The groups of the name are divided by
    `=`, their components by `^`.
    """
    group = fold(pattern).rstrip("^")
    if group.endswith("*"):
        return sa.or_(matches_pattern(key, group), matches_pattern(key, f"*={group}"))
    delimited = sa.literal("=").concat(key).concat("=")
    ends = [f"*={group}{'^' * empty}=*" for empty in range(_COMPONENTS)]
    return sa.or_(*[matches_pattern(delimited, end) for end in ends])
