"""How many objects an operation may return, reckoned from the sizes of its pages before anything is run."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

from gateway.execution.cache import Cache
from gateway.execution.documents import Document, name_of
from gateway.execution.limits import INTROSPECTION, LimitExceeded
from gateway.execution.pagination import DEFAULT_SIZE, MAX_SIZE
from gateway.settings import Limits

_PAGE, _WITHIN_PAGE = "Connection", frozenset({"nodes", "edges", "node", "pageInfo"})
_PAGE_TYPES = (_PAGE, "Edge")
_SIZES, _LISTS = ("first", "last"), ("uuids", "ids")


class Costs:
    """What the operations of one schema cost, reckoned once for all variables that make no difference."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._known: Cache[int] = Cache(10_000, 10_000)

    def check(
        self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        """Refuse an operation that may return more objects than allowed: one point each, pages counted in full."""
        weights = tuple([_weight(variables.get(name, Undefined)) for name in document.sizes])
        key = document.source, name_of(operation), weights
        points = self._known.get(key)
        if points is None:
            points = self._known.put(
                key, cost_of(self._schema, document.ast, operation, variables), 1
            )
        if points > self._limits.cost:
            what = f"The operation may return {points:,} objects; give first where lists are nested"
            raise LimitExceeded(what, "cost", self._limits.cost, points)


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """How many objects an operation may return."""
    root = schema.get_root_type(operation.operation)
    return _Reckoning(schema, document, {**_defaults(operation), **variables}).points(
        operation.selection_set, root
    )


def _weight(value: Any) -> Hashable:
    """What matters of a variable that says how many objects are wanted."""
    if isinstance(value, list):
        return "of them", len(value)
    return value if isinstance(value, int) or value is Undefined else None


def _defaults(operation: OperationDefinitionNode) -> dict[str, int]:
    definitions = [
        (one.variable.name.value, one.default_value) for one in operation.variable_definitions or ()
    ]
    return {
        name: _number(default) for name, default in definitions if isinstance(default, IntValueNode)
    }


def _number(node: IntValueNode) -> int:
    return int(node.value) if len(node.value) < 10 else MAX_SIZE


@dataclass(slots=True)
class _Reckoning:
    """One look at a document; each fragment is reckoned once, wherever it is spread."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]
    known: dict[str, int] = field(default_factory=dict)

    def points(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> int:
        """The objects below one object of that type."""
        return (
            sum(self._selected(node, parent) for node in selections.selections) if selections else 0
        )

    def _selected(self, node: SelectionNode, parent: GraphQLNamedType | None) -> int:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            named = node.type_condition and self.schema.get_type(node.type_condition.name.value)
            return self.points(node.selection_set, named or parent)
        return 0

    def _fragment(self, name: str) -> int:
        if name not in self.known:
            self.known[name] = 0  # a fragment within itself is refused by validation
            for node in self.document.definitions:
                if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                    kind = self.schema.get_type(node.type_condition.name.value)
                    self.known[name] = self.points(node.selection_set, kind)
        return self.known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        name = node.name.value
        found = getattr(parent, "fields", {}).get(name)
        if found is None or name in INTROSPECTION or is_leaf_type(get_named_type(found.type)):
            return 0
        kind = get_named_type(found.type)
        below = self.points(node.selection_set, kind)
        if (
            isinstance(parent, GraphQLObjectType)
            and parent.name.endswith(_PAGE_TYPES)
            and name in _WITHIN_PAGE
        ):
            return below  # counted with the page
        return self._size(node, kind) * (1 + below)

    def _size(self, node: FieldNode, kind: GraphQLNamedType) -> int:
        """How many objects a field may lead to: as many as a page or a list of ids may hold, else one."""
        given = {
            argument.name.value: self._value(argument.value) for argument in node.arguments or ()
        }
        for name in _LISTS:
            if isinstance(given.get(name), list):
                return len(given[name])
        if not kind.name.endswith(_PAGE):
            return 1
        asked = next(
            (given[name] for name in _SIZES if isinstance(given.get(name), int)), DEFAULT_SIZE
        )
        return min(max(asked, 0), MAX_SIZE)

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value, Undefined)
        if isinstance(node, IntValueNode):
            return _number(node)
        return list(node.values) if isinstance(node, ListValueNode) else None
