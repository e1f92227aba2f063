"""Materialised paths of folders: the ids from the root down to the folder, 32 hex digits each."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

ID_LENGTH = 32
MAX_DEPTH = 64
"""Folders on the longest allowed path: a path must fit into an index of either database."""

LEAVING = "~"
"""Beginning of the path of a deleted folder, so that it is within no other folder any more."""
_AFTER_ALL_DIGITS = "g"
END_OF_PATHS = LEAVING
"""A text behind the paths of all folders that were not deleted."""


def path_of(parent_path: str, uuid: UUID) -> str:
    """Return the path of a folder below its parent, whose path is empty for a root."""
    return parent_path + uuid.hex


def ancestors(path: str) -> list[UUID]:
    """Return the folders on a path, from the folder itself up to its root."""
    return [
        UUID(hex=path[start : start + ID_LENGTH])
        for start in range(len(path) - ID_LENGTH, -1, -ID_LENGTH)
    ]


def depth(path: str) -> int:
    """Return the number of folders on a path."""
    return len(path) // ID_LENGTH


def within(path: sa.ColumnElement[Any], top: Any) -> sa.ColumnElement[bool]:
    """Return the condition that `path` is `top` or below: a half-open range, for an index."""
    upper = top + _AFTER_ALL_DIGITS if isinstance(top, str) else top.concat(_AFTER_ALL_DIGITS)
    return sa.and_(path >= top, path < upper)
