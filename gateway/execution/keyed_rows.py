"""Rows of several GraphQL types: what decides the type of a row, and keys that name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, eq=False)
class TypeDiscriminator:
    """The column whose values decide the GraphQL type of a row behind an interface."""

    column: str
    types: Mapping[Any, str]


class RowKey(NamedTuple):
    """The key of a row, and the GraphQL type of the objects among which it is."""

    graphql_type: str
    key: Any


class TypedRow:
    """A row with the name of its GraphQL type, which the row alone does not tell.

    No table may have a column `graphql_type`: the name would hide it.
    """

    __slots__ = ("graphql_type", "row")

    def __init__(self, graphql_type: str, row: Any) -> None:
        self.graphql_type = graphql_type
        self.row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)
