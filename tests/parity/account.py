"""Parity with the storage APIs of Encord, Ambra, Midas and Girder.

Where each feature is in the schema, and which test shows it.
"""

import ast
import csv
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from graphql import GraphQLSchema, build_schema

from tests.house.sources import ROOT

TABLE = ROOT / "tests" / "parity" / "account.tsv"
LOCATION = re.compile(r"(?P<type>\w+)(\.(?P<member>\w+)(\((?P<arguments>\w+(, \w+)*)\))?)?")
CLASSES = {"core", "adjacent", "foreign", "subtlety"}
KINDS = {"place", "behaviour"}


class Row(NamedTuple):
    """One feature or subtlety of the inventory, by its id."""

    id: str
    """Its id in the inventory, such as ENC-ITEM-16 or SUB-029."""
    klass: str
    """How close it is to storage metadata, according to the inventory; `subtlety` for rows of its section E."""
    kind: str
    """`location` if the schema shows it, `behaviour` if only a test can, which then names the id."""
    status: str
    """`here`, `waived`, or `open`."""
    location: str
    """Its location in the schema: `Type`, `Type.field`, `Type.field(argument, …)` or `Enum.MEMBER`; "; " between."""
    test: str
    """The test that shows it: `path::name`; "; " between."""
    note: str
    """The reason for which it is waived, or what is missing."""

    @property
    def section(self) -> str:
        """Return the part of the id that rows of its section share."""
        return self.id.rpartition("-")[0]

    def faults(self) -> Iterator[str]:
        """Yield the errors of the row."""
        checks = {"here": self._here, "waived": self._waived, "open": self._open}
        if self.klass not in CLASSES or self.kind not in KINDS or self.status not in checks:
            yield "its class, kind or status is none"
            return
        yield from (
            f"{location} is not in the schema" for location in parts(self.location) if not is_in_schema(location)
        )
        yield from (f"there is no {test}" for test in parts(self.test) if not is_test(test))
        yield from checks[self.status]()

    def _here(self) -> Iterator[str]:
        if not self.test:
            yield "it is here, but no test shows it"
        if self.kind == "place" and not self.location:
            yield "it is here, but has no location"
        if self.kind == "behaviour" and not all(is_named(self.id, test) for test in parts(self.test)):
            yield "it is here, but not named where it is shown"

    def _waived(self) -> Iterator[str]:
        if len(self.note.split()) < 5:
            yield "it is waived without a reason"
        if self.klass == "core" and not self.location:
            yield "it is core, and no location replaces it"

    def _open(self) -> Iterator[str]:
        if not self.note:
            yield "it is open, but does not say what it lacks"


def parts(cell: str) -> list[str]:
    """Return the entries of a cell."""
    return cell.split("; ") if cell else []


def rows() -> list[Row]:
    """Return all rows of the table."""
    with TABLE.open(newline="") as file:
        _, *lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Row(*line) for line in lines]


def is_in_schema(location: str) -> bool:
    """Return whether the printed schema has the type, the member, and all arguments given."""
    if not (match := LOCATION.fullmatch(location)) or not (kind := _schema().get_type(match["type"])):
        return False
    if not match["member"]:
        return True
    member = (getattr(kind, "fields", None) or getattr(kind, "values", {})).get(match["member"])
    arguments = set(re.findall(r"\w+", match["arguments"] or ""))
    return member is not None and arguments <= set(getattr(member, "args", {}))


def is_test(test: str) -> bool:
    """Return whether `path::name` is a test."""
    path, _, name = test.partition("::")
    return name.startswith("test_") and name in _functions(path)


def is_named(id: str, test: str) -> bool:
    """Return whether the file of a test names the row."""
    return re.search(rf"\b{re.escape(id)}\b", _text(test.partition("::")[0])) is not None


@cache
def _schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text())


@cache
def _functions(path: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(_text(path))) if isinstance(node, kinds)}


@cache
def _text(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.is_file() and file.name.startswith("test_") else ""
