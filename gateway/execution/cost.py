"""The cost of an operation: how many objects it may return by the sizes of its pages."""

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
from gateway.limits import Limits

_CONNECTION, _PAGE_FIELDS = "Connection", frozenset({"nodes", "edges", "node", "pageInfo"})
_PAGE_TYPES = (_CONNECTION, "Edge")
_PAGE_SIZES, _ID_LISTS = ("first", "last"), ("uuids", "ids")


class Costs:
    """The costs of operations of one schema, cached by the variables that matter."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._cache: Cache[int] = Cache(10_000, 10_000)

    def check(
        self, document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> None:
        """Check the cost of an operation: one point per object, with pages counted in full.

        Raises:
            LimitExceeded: the operation may return too many objects.
        """
        sizes = tuple([_size_in(variables.get(name, Undefined)) for name in document.sizes])
        key = document.source, name_of(operation), sizes
        points = self._cache.get(key)
        if points is None:
            points = cost_of(self._schema, document.ast, operation, variables)
            self._cache.put(key, points, 1)
        if points > self._limits.cost:
            message = (
                f"The operation may return {points:,} objects; at most {self._limits.cost:,} are "
                "allowed (limit: cost). Set a smaller `first` on nested lists."
            )
            raise LimitExceeded(message, "cost", self._limits.cost, points)


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """Return how many objects an operation may return."""
    defaults = {
        definition.variable.name.value: _int_value(definition.default_value)
        for definition in operation.variable_definitions or ()
        if isinstance(definition.default_value, IntValueNode)
    }
    root = schema.get_root_type(operation.operation)
    counter = _ObjectCounter(schema, document, {**defaults, **variables})
    return counter.below(operation.selection_set, root)


def _size_in(value: Any) -> Hashable:
    """Return what matters of a variable that says how many objects are requested."""
    if isinstance(value, list):
        return "list", len(value)
    return value if isinstance(value, int) or value is Undefined else None


def _int_value(node: IntValueNode) -> int:
    return int(node.value) if len(node.value) < 10 else MAX_SIZE


@dataclass(slots=True)
class _ObjectCounter:
    """Counts the objects of one document; each fragment is counted once, wherever it is spread."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: Mapping[str, Any]
    fragments: dict[str, int] = field(default_factory=dict)

    def below(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> int:
        """Return the number of objects below one object of a type."""
        if selections is None:
            return 0
        return sum(self.selection(node, parent) for node in selections.selections)

    def selection(self, node: SelectionNode, parent: GraphQLNamedType | None) -> int:
        """Return the number of objects that a field or fragment adds to one object."""
        if isinstance(node, FieldNode):
            return self.field(node, parent)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            named = node.type_condition and self.schema.get_type(node.type_condition.name.value)
            return self.below(node.selection_set, named or parent)
        return 0

    def fragment(self, name: str) -> int:
        """Return the number of objects that a fragment selects."""
        if name not in self.fragments:
            self.fragments[name] = 0  # a fragment within itself is refused by validation
            for node in self.document.definitions:
                if isinstance(node, FragmentDefinitionNode) and node.name.value == name:
                    type_ = self.schema.get_type(node.type_condition.name.value)
                    self.fragments[name] = self.below(node.selection_set, type_)
        return self.fragments[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        """Return the number of objects that a field of one object may lead to, and those below."""
        name = node.name.value
        definition = getattr(parent, "fields", {}).get(name)
        if definition is None or name in INTROSPECTION:
            return 0
        type_ = get_named_type(definition.type)
        if is_leaf_type(type_):
            return 0
        below = self.below(node.selection_set, type_)
        is_of_page = isinstance(parent, GraphQLObjectType) and parent.name.endswith(_PAGE_TYPES)
        if is_of_page and name in _PAGE_FIELDS:
            return below  # counted with the page
        return self.size(node, type_) * (1 + below)

    def size(self, node: FieldNode, type_: GraphQLNamedType) -> int:
        """Return how many objects a field may hold: a page's size, the number of ids, or one."""
        given = {
            argument.name.value: self.value(argument.value) for argument in node.arguments or ()
        }
        for name in _ID_LISTS:
            if isinstance(given.get(name), list):
                return len(given[name])
        if not type_.name.endswith(_CONNECTION):
            return 1
        sizes = [given[name] for name in _PAGE_SIZES if isinstance(given.get(name), int)]
        return min(max(sizes[0] if sizes else DEFAULT_SIZE, 1), MAX_SIZE)

    def value(self, node: ValueNode) -> Any:
        """Return the value of a number, list or variable; None for others."""
        if isinstance(node, VariableNode):
            return self.variables.get(node.name.value, Undefined)
        if isinstance(node, IntValueNode):
            return _int_value(node)
        return list(node.values) if isinstance(node, ListValueNode) else None
