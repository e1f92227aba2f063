"""Shared by all rows: names of constraints, column types, defaults and search keys."""

import re
import unicodedata
from collections.abc import Callable
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
# Sorted by code point on both databases: collation "C" is SQLite's default BINARY.
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_NUMBER = re.compile("[0-9]+")

KeyString = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Like `Key`, for columns that were strings before they were keys."""

RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that the database gives each row; on SQLite only an INTEGER never changes."""


def enum_type(kind: type[StrEnum]) -> sa.Enum:
    """Return the column type of an enum: text, so that a new member needs no migration."""
    return sa.Enum(kind, native_enum=False, length=32, create_constraint=False)


class Unvalidated:
    """Marks, in `Annotated`, a type of JSON that Pydantic need not understand."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        return {"type": "any"}


def table_of(row: type[SQLModel]) -> sa.Table:
    """Return the Core table of a row class."""
    return cast(sa.Table, cast(Any, row).__table__)


def new_row(kind: type[SQLModel], /, **values: Any) -> dict[str, Any]:
    """Return a row to insert: these values, and the defaults of the other columns.

    It costs a tenth of an instance of `kind`, which matters for thousands of rows.

    Raises:
        TypeError: a name is not a column, or a required one is missing.
    """
    defaults, factories, required = _defaults(kind)
    row = defaults | values
    if len(row) > len(defaults):
        unknown = values.keys() - defaults.keys()
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    if not required <= values.keys():
        missing = required - values.keys()
        raise TypeError(f"{kind.__name__} needs {', '.join(sorted(missing))}")
    for name, factory in factories:
        if name not in values:
            row[name] = factory()
    return row


def fold(name: str) -> str:
    """Return the search key of a text: case-folded and in Unicode form NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def natural_key(name_key: str) -> str:
    """Return the key of a folded name by which numbers in names are ordered by value.

    Each number is preceded by its length, so that `img2` comes before `img10`. Only the first 250
    characters of the key count: an index has to hold it.
    """
    return _NUMBER.sub(_with_length, name_key)[:250]


def _with_length(number: re.Match[str]) -> str:
    digits = number.group().lstrip("0") or "0"
    return f"{len(digits):03}{digits}"


@cache
def _defaults(
    kind: type[SQLModel],
) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]], set[str]]:
    """Return all columns with their constant defaults, the factories, and the required columns."""
    fields = kind.model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    # Pydantic types a factory as one that may take the values of other fields; ours take none.
    factories = [
        (name, cast(Callable[[], Any], field.default_factory))
        for name, field in fields.items()
        if field.default_factory
    ]
    special = {*required, *(name for name, _ in factories)}
    constants = {name: None if name in special else field.default for name, field in fields.items()}
    return constants, factories, required
