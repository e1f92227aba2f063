"""Declarations read only attributes that the rows of their GraphQL types have.

The walk starts at the roots of the schema and follows every field to the rows behind its type: those of
an edge's table, or instances of the class that a function returns or an attribute holds. So a misspelt
name fails here and not in a request; a misspelt column fails on import.
"""

import inspect
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_abstract_type, is_leaf_type

from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Computed,
    Lookup,
    MutationField,
    PageFunction,
    RootFunction,
    SameRow,
    ToMany,
    ToOne,
    declaration_of,
)
from gateway.execution.pagination import Page, PageEdge
from gateway.execution.private_apis import core_schema, definition_of
from gateway.execution.viewer_columns import columns_of
from resolvers.change_subscriptions import FolderChanges
from resolvers.job_updates import UpdatedJobs
from resolvers.ready_studies import ReadyStudy
from schema.api import api
from tests.house.sources import modules

CORE = core_schema(api)
UNREACHED = {
    *("DatasetUsage", "MetadataIngestionConfig", "MetricUrl", "SidecarMatcher", "SignedUrl"),
    *("StorageFolderSummary", "StorageItemInaccessible", "StoragePathElement"),
    *("TimeSeriesColumn", "TimeSeriesContent", "TimeSeriesLineChannel", "TimeSeriesPointsChannel"),
    *("TimeSeriesParsing", "TimeSeriesViewSettings", "UploadUnitError", "UploadedItem"),
}
"""Object types whose rows are not annotated yet. Annotate their functions to remove them here."""
EVENTS = {"JobUpdates": UpdatedJobs, "StorageChanges": FolderChanges, "DicomStudyReady": ReadyStudy}
"""The classes of the events of subscriptions; all others are rows of edges of the other roots."""


@dataclass(frozen=True)
class Rows:
    """Rows that objects of a GraphQL type are resolved from; `node` are those of a page or edge."""

    name: str
    attributes: frozenset[str]
    kind: type | None = None
    node: "Rows | None" = None

    @classmethod
    def of_table(cls, table: sa.Table | sa.Subquery, *extras: str) -> "Rows":
        return cls(table.name, frozenset([*columns_of(table), *extras]))

    @classmethod
    def of_class(cls, kind: type, node: "Rows | None" = None) -> "Rows":
        return cls(kind.__name__, frozenset([*typing.get_type_hints(kind), *dir(kind)]), kind, node)


def reads_of(field: GraphQLField) -> tuple[str, ...]:
    """Return the attributes that a field reads from its row."""
    declaration = declaration_of(field)
    return declaration.reads if declaration else (definition_of(field).python_name,)


def annotation_of(kind: type, name: str) -> Any:
    """Return the annotation of an attribute or property of a class."""
    member = getattr(kind, name, None)
    if isinstance(member, property):
        return inspect.signature(member.fget, eval_str=True).return_annotation if member.fget else None
    return typing.get_type_hints(kind).get(name)


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the classes in an annotation, including those of elements."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for argument in typing.get_args(annotation):
            yield from classes_in(argument)
    elif isinstance(annotation, type) and annotation not in (Any, types.NoneType):
        yield annotation


def sources(field: GraphQLField, rows: Rows) -> list[Rows]:
    """Return the rows of the objects that a field returns, if an annotation names them."""
    declaration = declaration_of(field)
    match declaration:
        case ToOne():
            return [Rows.of_table(declaration.table)]
        case Lookup():
            return [Rows.of_table(declaration.edge.table)]
        case ToMany():
            return [Rows.of_class(Page, Rows.of_table(declaration.table, *declaration.extras))]
        case SameRow():
            return [rows]
        case MutationField():
            return [Rows.of_class(declaration.outcome)]
        case Batch() | PageFunction() | RootFunction():
            annotation = inspect.signature(declaration.load, eval_str=True).return_annotation
        case None if rows.node and reads_of(field) != ("edges",):
            return [rows.node]
        case None if rows.kind:
            annotation = annotation_of(rows.kind, reads_of(field)[0])
        case _:
            return []
    return [Rows.of_class(kind, rows.node if kind is PageEdge else None) for kind in classes_in(annotation)]


def walk(type_: Any, rows: Rows, path: str, seen: set[tuple[str, ...]]) -> Iterator[str]:
    """Yield what the fields of a type read and its rows lack."""
    visited = type_.name, rows.name, rows.node.name if rows.node else ""
    if visited in seen:
        return
    seen.add(visited)
    if is_abstract_type(type_):  # which of the types rows of a class have is decided row by row
        for possible in CORE.get_possible_types(type_) if rows.kind is None else ():
            yield from walk(possible, rows, path, seen)
        return
    for name, field in type_.fields.items():
        for attribute in set(reads_of(field)) - rows.attributes:
            yield f"{path}.{name} reads {attribute}, which {rows.name} does not have"
        below = get_named_type(field.type)
        keyed = getattr(declaration_of(field), "rows", None)
        if keyed:
            for kind, edge in keyed.by_type.items():
                target = CORE.type_map[kind] if kind else below
                yield from walk(target, Rows.of_table(edge.table), f"{path}.{name}", seen)
        elif not is_leaf_type(below):
            for source in sources(field, rows):
                yield from walk(below, source, f"{path}.{name}", seen)


def walk_schema() -> tuple[list[str], set[str]]:
    seen: set[tuple[str, ...]] = set()
    starts: list[tuple[Any, Rows]] = [
        (root, Rows(root.name, frozenset())) for root in (CORE.query_type, CORE.mutation_type) if root
    ]
    starts += [(CORE.type_map[name], Rows.of_class(kind)) for name, kind in EVENTS.items()]
    faults = [fault for type_, rows in starts for fault in walk(type_, rows, type_.name, seen)]
    return faults, {seen_type for seen_type, *_ in seen}


def test_rows_have_what_fields_read() -> None:
    faults, seen = walk_schema()
    assert faults == []
    objects = {name for name, kind in CORE.type_map.items() if isinstance(kind, GraphQLObjectType)}
    assert {name for name in objects - seen if name[:2] != "__"} <= UNREACHED | {"Subscription"}


def test_every_declaration_resolves_a_field() -> None:
    """A declaration without a field in `schema/` would never be used."""
    used: set[int] = set()
    for type_ in CORE.type_map.values():
        for field in getattr(type_, "fields", {}).values() if type_.name[:2] != "__" else ():
            declaration = declaration_of(field) if isinstance(field, GraphQLField) else None
            used.add(id(declaration.edge if isinstance(declaration, Lookup) else declaration))
            used.add(id(declaration))
    unused = {
        attribute
        for name in modules("resolvers")
        for attribute, value in vars(import_module(name)).items()
        if isinstance(value, Aggregate | Batch | Computed | Lookup | SameRow | ToMany | ToOne) and id(value) not in used
    }
    assert unused == {"field_by_uuid", "row_by_uuid", "unit_by_uuid"}, "only `node` leads to these by their UUIDs"


def test_misspelt_names_are_detected() -> None:
    """A row that lacks what its type reads is reported."""
    field = CORE.type_map["StorageFolder"].fields["owner"]  # type: ignore[attr-defined]  # an object type has fields
    assert reads_of(field) == ("owner_uuid",)
    lacking = Rows("folders", frozenset())
    faults = list(walk(CORE.type_map["StorageFolder"], lacking, "folder", set()))
    assert "folder.owner reads owner_uuid, which folders does not have" in faults
