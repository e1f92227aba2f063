"""Substring matches that no index serves, for rows to which another condition leads."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _HasPart(FunctionElement[bool]):
    """A substring match by which no index is chosen. Its clauses are the column and the text."""

    inherit_cache = True


@compiles(_HasPart, "postgresql")
def _has_part(element: _HasPart, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)}) > 0"


@compiles(_HasPart, "sqlite")
def _has_part_embedded(element: _HasPart, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)}) > 0"


def has_part(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column contains a text."""
    return _HasPart(column, sa.literal(text))
