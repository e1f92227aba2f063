"""Matching of texts by the wildcards of DICOM: `*` for any characters, `?` for one."""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from gateway.models.base import fold

_WILDCARDS = re.compile(r"[*?]")
_COMPONENTS = 5
"""Components of a name, of which the last may be empty, but for the first."""
_LIKE = {"*": "%", "?": "_", "%": "/%", "_": "/_", "/": "//"}


class _Pattern(sa.types.TypeDecorator[str]):
    """Type of a pattern: one of GLOB on SQLite, whose LIKE ignores case, else one of LIKE."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace("[", "[[]")
        return re.sub(r"[*?%_/]", lambda match: _LIKE[match[0]], value)


class _Matches(FunctionElement[bool]):
    """A match of a text by a pattern."""

    inherit_cache = True
    type = sa.Boolean()


@compiles(_Matches, "sqlite")
def _glob(element: _Matches, compiler: Any, **options: Any) -> str:
    text, pattern = element.clauses
    return f"({compiler.process(text, **options)} GLOB {compiler.process(pattern, **options)})"


@compiles(_Matches, "postgresql")
def _like(element: _Matches, compiler: Any, **options: Any) -> str:
    text, pattern = element.clauses
    return (
        f"({compiler.process(text, **options)} LIKE {compiler.process(pattern, **options)} "
        "ESCAPE '/')"
    )


def matches_text(text: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text matches a pattern, upper and lower case being different.

    All but `*` and `?` stands for itself.
    """
    if not _WILDCARDS.search(pattern):
        return text == pattern
    return _Matches(text, sa.literal(re.sub(r"\*+", "*", pattern), _Pattern()))


def matches_name(key: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that one group of a folded person's name matches a pattern.

    Case is ignored, and so are empty components at the end. The groups of the name are divided by
    `=`, their components by `^`.
    """
    group = fold(pattern).rstrip("^")
    if group.endswith("*"):
        return sa.or_(
            matches_text(key, group),
            _Matches(key, sa.literal(f"*={group}", _Pattern())),
        )
    delimited = sa.literal("=").concat(key).concat("=")
    components = re.sub(r"\*+", "*", group)
    ends = [f"*={components}{'^' * empty}=*" for empty in range(_COMPONENTS)]
    return sa.or_(*[_Matches(delimited, sa.literal(end, _Pattern())) for end in ends])
