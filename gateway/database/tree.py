"""Materialised paths: each folder's holds the ids from its root down to itself, 32 hex digits each."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

ID_LENGTH = 32
MAX_DEPTH = 64
"""Folders on the longest path from a root: a path must fit into an index of either database."""

_AFTER_ALL_DIGITS = "g"


def path_of(parent_path: str, uuid: UUID) -> str:
    """The path of a folder below a parent; an empty parent path for a root."""
    return parent_path + uuid.hex


def ancestors(path: str) -> list[UUID]:
    """The folders on a path, the folder itself first and its root last."""
    return [
        UUID(hex=path[start : start + ID_LENGTH])
        for start in range(len(path) - ID_LENGTH, -1, -ID_LENGTH)
    ]


def depth(path: str) -> int:
    """How many folders lie on a path."""
    return len(path) // ID_LENGTH


def within(path: sa.ColumnElement[Any], top: Any) -> sa.ColumnElement[bool]:
    """Whether `path` is `top` or lies below it: a half-open range, which an index can serve."""
    upper = top + _AFTER_ALL_DIGITS if isinstance(top, str) else top.concat(_AFTER_ALL_DIGITS)
    return sa.and_(path >= top, path < upper)
