"""The cost of an operation: what it may return, and what the database has to do for that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from gateway.execution import database_work
from gateway.execution.cache import Cache
from gateway.execution.declarations import (
    Batch,
    Declaration,
    PageFunction,
    ToMany,
    declaration_of,
)
from gateway.execution.documents import Document, name_of
from gateway.execution.limits import INTROSPECTION, LimitExceeded
from gateway.execution.pagination import DEFAULT_SIZE, MAX_SIZE
from gateway.execution.priced_values import plain_value, shape_of
from gateway.limits import Limits

_CONNECTION, _PAGE_FIELDS = "Connection", frozenset({"nodes", "edges", "node", "pageInfo"})
_TOTALS = frozenset({"totalCount", "totalCountIsCapped"})
_PAGE_TYPES = (_CONNECTION, "Edge")
_PAGE_SIZES, _ID_LISTS = ("first", "last"), ("uuids", "ids")
_LISTED = 25
"""Objects that a list without pages is taken to have."""
_FREE_LEAVES = 5
"""Each object costs a point, and one more for each further five leaves that are selected of it."""


class Cost(NamedTuple):
    """Points of an operation: for all it does, and those among them for what is not returned.

    A point is about the work of returning one object with a few columns.
    """

    points: int
    work: int


class Costs:
    """The costs of operations of one schema, cached by the variables that matter."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._cache: Cache[Cost] = Cache(10_000, 10_000)

    def check(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
        part: int = 1,
    ) -> int:
        """Return the cost of an operation in points, with pages counted in full.

        At most one `part` of the limit is allowed.

        Raises:
            LimitExceeded: the operation costs too much.
        """
        shapes = tuple([shape_of(variables.get(name, Undefined)) for name in document.priced])
        key = document.source, name_of(operation), shapes
        cost = self._cache.get(key)
        if cost is None:
            cost = cost_of(self._schema, document.ast, operation, variables)
            self._cache.put(key, cost, 1)
        allowed = self._limits.cost // part
        if cost.points > allowed:
            share, advice = "", "Set a smaller `first` on nested lists."
            if cost.work > cost.points // 2:
                share = f", {cost.work:,} of them for sorting, counting and filtering"
                advice = (
                    "Set a smaller `first` on the lists above, or request `totalCount`, `facets`, "
                    "filters and orders for fewer objects at once."
                )
            message = (
                f"The operation costs {cost.points:,} points{share}; at most {allowed:,} are "
                f"allowed (limit: cost). {advice}"
            )
            raise LimitExceeded(message, "cost", allowed, cost.points)
        return cost.points


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> Cost:
    """Return the cost of an operation."""
    defaults = {
        definition.variable.name.value: plain_value(definition.default_value, {})
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    root = schema.get_root_type(operation.operation)
    counter = _Counter(schema, document, {**defaults, **variables})
    total = counter.below(operation.selection_set, root)
    return Cost(total.objects + total.work, total.work)


class _Points(NamedTuple):
    """Points of selections, for each object of which they are selected.

    `leaves` are those of the object itself. `passes` says how often all rows of the list are read
    of which the object is a page, besides once to count them if `is_counted`.
    """

    objects: int = 0
    work: int = 0
    leaves: int = 0
    passes: int = 0
    is_counted: int = 0

    def plus(self, other: "_Points") -> "_Points":
        """Return the sum of both."""
        return _Points(*(one + another for one, another in zip(self, other, strict=True)))


@dataclass(slots=True)
class _Counter:
    """Counts the points of one document; each fragment is counted once, wherever it is spread."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]
    fragments: dict[str, _Points] = field(default_factory=dict)

    def below(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> _Points:
        """Return the points of what is selected of one object of a type."""
        total = _Points()
        for node in selections.selections if selections else ():
            total = total.plus(self.selection(node, parent))
        return total

    def selection(self, node: SelectionNode, parent: GraphQLNamedType | None) -> _Points:
        """Return the points that a field or fragment adds to one object."""
        if isinstance(node, FieldNode):
            return self.field(node, parent)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            named = node.type_condition and self.schema.get_type(node.type_condition.name.value)
            return self.below(node.selection_set, named or parent)
        return _Points()

    def fragment(self, name: str) -> _Points:
        """Return the points of what a fragment selects."""
        if name not in self.fragments:
            self.fragments[name] = _Points()  # a fragment within itself is refused by validation
            for node in self.document.definitions:
                if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                    type_ = self.schema.get_type(node.type_condition.name.value)
                    self.fragments[name] = self.below(node.selection_set, type_)
        return self.fragments[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> _Points:
        """Return the points of a field of one object, and of all below it."""
        name = node.name.value
        definition: GraphQLField | None = getattr(parent, "fields", {}).get(name)
        if definition is None or name in INTROSPECTION:
            return _Points()
        type_ = get_named_type(definition.type)
        is_of_page = isinstance(parent, GraphQLObjectType) and parent.name.endswith(_PAGE_TYPES)
        if is_of_page and name in _PAGE_FIELDS:
            return self.below(node.selection_set, type_)  # counted with the page
        given = {
            argument.name.value: plain_value(argument.value, self.variables)
            for argument in node.arguments or ()
        }
        declaration = declaration_of(definition)
        if is_of_page and name in _TOTALS:
            return _Points(is_counted=1)
        if isinstance(declaration, PageFunction):
            passes = database_work.passes_of_page_value(given)
            return _Points(objects=(passes * _LISTED) if given else 0, passes=passes)
        extra = database_work.work_of(declaration, given)
        if is_leaf_type(type_):
            return _Points(work=extra, leaves=1)
        below = self.below(node.selection_set, type_)
        size = _size(definition, declaration, given, type_)
        each = 1 + below.objects + max(below.leaves - 1, 0) // _FREE_LEAVES
        if isinstance(declaration, ToMany):
            passes = below.passes + min(below.is_counted, 1)
            extra += database_work.work_of_list(declaration, given, passes)
        return _Points(objects=size * each, work=extra + size * below.work)


def _size(
    definition: GraphQLField,
    declaration: Declaration | None,
    given: Mapping[str, Any],
    type_: GraphQLNamedType,
) -> int:
    """Return how many objects a field may hold: a page's size, the number of ids, or one."""
    if isinstance(declaration, Batch) and declaration.listed:
        return declaration.listed(given)
    for name in _ID_LISTS:
        if isinstance(given.get(name), list):
            return len(given[name])
    if type_.name.endswith(_CONNECTION):
        sizes = [given[name] for name in _PAGE_SIZES if isinstance(given.get(name), int)]
        return min(max(sizes[0] if sizes else DEFAULT_SIZE, 1), MAX_SIZE)
    return _LISTED if is_list_type(get_nullable_type(definition.type)) else 1
