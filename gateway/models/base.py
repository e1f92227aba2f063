"""What all rows share: names of constraints, column types, and the table of a row class."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# Ordered by code point on both databases: "C" is what SQLite's default BINARY does.
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def enum_type(kind: type[StrEnum]) -> sa.Enum:
    """A closed set stored as text, so that a new member needs no migration."""
    return sa.Enum(kind, native_enum=False, length=32, create_constraint=False)


def table_of(row: type[SQLModel]) -> sa.Table:
    """The table behind a row class: statements are written on its columns."""
    return cast(sa.Table, cast(Any, row).__table__)


def new_row(kind: type[SQLModel], /, **values: Any) -> dict[str, Any]:
    """A row to be inserted: these values and the defaults of the others.

    For rows by the thousand: an instance of `kind` costs ten times as much.
    """
    defaults = _defaults(kind)
    if unknown := values.keys() - defaults.keys():
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return {
        name: values[name] if name in values else default() for name, default in defaults.items()
    }


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def fold(name: str) -> str:
    """The form in which names are ordered and searched: composed, without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


@cache
def _defaults(kind: type[SQLModel]) -> dict[str, Callable[[], Any]]:
    return {
        name: _default(f"{kind.__name__} needs {name}", field)
        for name, field in kind.model_fields.items()
    }


def _default(complaint: str, field: Any) -> Callable[[], Any]:
    def refuse() -> None:
        raise TypeError(complaint)

    return field.default_factory or (refuse if field.is_required() else lambda: field.default)
