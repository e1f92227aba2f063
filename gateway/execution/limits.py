"""How much one caller may ask for at once, and whether a document keeps within it: each fragment is measured once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.errors import DomainError, ErrorCode
from gateway.settings import Limits

LARGEST_REPORTED = 2**31 - 1
INTROSPECTION = {"__schema", "__type"}


class LimitExceeded(DomainError):
    """More than is allowed was asked for; says which limit, how much it allows and how much was found."""

    def __init__(self, what: str, limit: str, allowed: float, found: float) -> None:
        super().__init__(
            ErrorCode.LIMIT_EXCEEDED, f"{what}; at most {allowed:,} are allowed ({limit})."
        )
        self.limit = limit
        self.allowed = allowed
        self.found = found


@dataclass(slots=True)
class Extent:
    """How far a selection set reaches once its fragments are spread; `width` counts its first level."""

    depth: int = 0
    width: int = 0
    aliases: int = 0
    directives: int = 0

    def spread(self, inner: "Extent") -> None:
        """Add what a fragment selects at this level."""
        self.depth = max(self.depth, inner.depth)
        self.width += inner.width
        self.aliases += inner.aliases
        self.directives += inner.directives

    def select(self, field: FieldNode, inner: "Extent") -> None:
        """Add a field with what is selected below it; introspection has a depth rule of its own."""
        below = 0 if field.name.value in INTROSPECTION else inner.depth
        self.depth = max(self.depth, 1 + below)
        self.width += 1
        self.aliases += inner.aliases + (field.alias is not None)
        self.directives += inner.directives


def exceeded(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """The limits that the operations of a document exceed, in time linear in its length.

    A document whose fragments form a cycle is left to validation, which refuses it.
    """
    try:
        fragments = _measure_fragments(document)
    except CycleError:
        return []
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    return [
        GraphQLError(excess.message, operation, original_error=excess)
        for operation in operations
        for excess in _excesses(_measure_operation(operation, fragments), limits)
    ]


def _excesses(extent: Extent, limits: Limits) -> Iterator[LimitExceeded]:
    checks = (
        ("is {:,} levels deep", "depth", limits.depth, extent.depth),
        ("selects {:,} root fields", "rootFields", limits.root_fields, extent.width),
        ("has {:,} aliases", "aliases", limits.aliases, extent.aliases),
        ("has {:,} directives", "directives", limits.directives, extent.directives),
    )
    for phrase, limit, allowed, counted in checks:
        found = min(
            counted, LARGEST_REPORTED
        )  # fragments that double reach numbers that JSON readers lose
        if found > allowed:
            yield LimitExceeded(f"The operation {phrase.format(found)}", limit, allowed, found)


def _measure_fragments(document: DocumentNode) -> dict[str, Extent]:
    definitions = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    spreads = {name: set(_spread_in(node.selection_set)) for name, node in definitions.items()}
    measured: dict[str, Extent] = {}
    for name in TopologicalSorter(spreads).static_order():
        if name in definitions:
            measured[name] = _measure(definitions[name].selection_set, measured)
    return measured


def _spread_in(selections: SelectionSetNode) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FragmentSpreadNode):
            yield node.name.value
        elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
            yield from _spread_in(node.selection_set)


def _measure_operation(
    operation: OperationDefinitionNode, fragments: Mapping[str, Extent]
) -> Extent:
    extent = _measure(operation.selection_set, fragments)
    extent.directives += len(operation.directives or ())
    extent.directives += sum(
        len(node.directives or ()) for node in operation.variable_definitions or ()
    )
    return extent


def _measure(selections: SelectionSetNode | None, fragments: Mapping[str, Extent]) -> Extent:
    extent = Extent()
    for node in selections.selections if selections else ():
        extent.directives += len(node.directives or ())
        if isinstance(node, FragmentSpreadNode):
            extent.spread(fragments.get(node.name.value, Extent()))
        elif isinstance(node, FieldNode):
            extent.select(node, _measure(node.selection_set, fragments))
        elif isinstance(node, InlineFragmentNode):
            extent.spread(_measure(node.selection_set, fragments))
    return extent
