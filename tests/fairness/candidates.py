"""Documents that cost as much as the limits accept, made from the lists of the schema at random."""

from collections.abc import Iterator
from random import Random
from typing import Any

from graphql import GraphQLError, GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, parse, validate

from gateway.execution.cost import cost_of
from gateway.execution.declarations import ToMany, ToOne, declaration_of
from gateway.execution.limits import exceeded
from gateway.execution.private_apis import core_schema
from gateway.limits import Limits
from schema.api import api

CORE = core_schema(api)
LIMITS = Limits()
ITEM_FILTERS = (
    "",
    "{itemTypes: [IMAGE]}",
    '{search: "a"}',
    '{not: {search: "zzzz"}}',
    "{isInDataset: false}",
    '{any: [{search: "e"}, {width: {from: 1}}, {fileSize: {from: 10}}]}',
    '{fileSize: {from: 1}, createdAt: {from: "2000-01-01T00:00:00Z"}}',
)
FACETS = "facets(by: [{attribute: ITEM_TYPE}, {attribute: MIME_TYPE}, {attribute: CREATED_MONTH}]) { otherCount }"
SIZES = (1000, 700, 400, 200, 100, 50, 25, 12, 6, 3, 2, 1)


class Candidates:
    """A stream of documents, of which each is accepted and most would be refused if they were a little larger."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def __iter__(self) -> Iterator[str]:
        while True:
            levels = self._path(self._chance.randint(1, 3))
            if text := self._largest(levels):
                yield text

    def _path(self, depth: int) -> list[tuple[str, str, str]]:
        """Return lists that lead to each other from the root, each as a head, an extra and a tail.

        The head ends where the size belongs, and the tail with the fields of its rows.
        """
        parent: Any = CORE.query_type
        levels = []
        for _ in range(depth):
            lists = lists_of(parent)
            if not lists:
                break
            name = self._chance.choice(sorted(lists))
            hop, field = lists[name]
            rows = get_named_type(fields_of(field.type)["nodes"].type)
            levels.append((f"{hop}{name}", self._arguments(field), self._extras(field) + self._leaves(rows)))
            parent = rows
        return levels

    def _arguments(self, field: GraphQLField) -> str:
        given = []
        if "filter" in field.args and "StorageItemFilter" in str(field.args["filter"].type):
            given.append(self._chance.choice(ITEM_FILTERS))
        if "orderBy" in field.args:
            orders: Any = get_named_type(fields_of(field.args["orderBy"].type)["field"].type)
            name = self._chance.choice([value for value in orders.values if value != "METADATA"])
            direction = self._chance.choice(["ASC", "DESC"])
            return ", ".join(
                [*(f"filter: {each}" for each in given if each), f"orderBy: {{field: {name}, direction: {direction}}}"]
            )
        return ""

    def _extras(self, field: GraphQLField) -> str:
        names = ["totalCount"] if self._chance.random() < 0.6 else []
        if "facets" in fields_of(field.type) and self._chance.random() < 0.5:
            names.append(FACETS)
        return " ".join(names) + "|"

    def _leaves(self, rows: Any) -> str:
        names = [
            name for name, field in rows.fields.items() if is_leaf_type(get_named_type(field.type)) and not field.args
        ]
        chosen = self._chance.sample(names, min(len(names), self._chance.choice([1, 4, 30])))
        if "summary" in rows.fields and "recursive" in rows.fields["summary"].args and self._chance.random() < 0.3:
            chosen.append("summary(recursive: true) { files }")
        return " ".join(chosen or ["__typename"])

    def _largest(self, levels: list[tuple[str, str, str]]) -> str | None:
        """Return the document with the largest pages that the limits accept, outer ones first or last."""
        sizes = [1] * len(levels)
        for level in self._chance.sample(range(len(levels)), len(levels)):
            for size in SIZES:
                sizes[level] = size
                if is_accepted(write(levels, sizes)):
                    break
            else:
                return None
        return write(levels, sizes)


def fields_of(type_: Any) -> dict[str, Any]:
    """Return the fields of the type behind lists and non-nulls."""
    fields: dict[str, Any] = get_named_type(type_).fields
    return fields


def lists_of(parent: GraphQLObjectType) -> dict[str, tuple[str, GraphQLField]]:
    """Return the lists of a type, and those of the objects that it leads to, with what leads there."""
    found: dict[str, tuple[str, GraphQLField]] = {}
    for name, field in parent.fields.items():
        declaration = declaration_of(field)
        if isinstance(declaration, ToMany):
            found[name] = ("", field)
        elif isinstance(declaration, ToOne):
            for inner, below in fields_of(field.type).items():
                if isinstance(declaration_of(below), ToMany):
                    found[inner] = (f"{name} {{ ", below)
    return found


def write(levels: list[tuple[str, str, str]], sizes: list[int]) -> str:
    """Return a document."""
    text, closing = "{ ", " }"
    for (head, arguments, tail), size in zip(levels, sizes, strict=True):
        extras, leaves = tail.split("|")
        given = f"first: {size}, {arguments}" if arguments else f"first: {size}"
        text += f"{head}({given}) {{ {extras} nodes {{ {leaves} "
        closing = " } }" + (" }" if "{" in head else "") + closing
    return text + closing


def is_accepted(text: str) -> bool:
    """Return whether a document is valid and within the limits."""
    document = parse(text)
    operation: Any = document.definitions[0]
    errors: list[GraphQLError] = [*exceeded(document, LIMITS), *validate(CORE, document)]
    return not errors and cost_of(CORE, document, operation, {}).points <= LIMITS.cost
