"""Limits on the size of a document: depth, root fields, aliases and directives."""

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

from gateway.auth.failed_credentials import TooManyFailures
from gateway.errors import DomainError, ErrorCode
from gateway.json_values import camel_case
from gateway.limits import Limits
from gateway.telemetry.meters import OTHER
from gateway.telemetry.refusals import note_limit

LARGEST_REPORTED = 2**31 - 1
INTROSPECTION = {"__schema", "__type"}


class LimitExceeded(DomainError):
    """Raised when a request exceeds one of the `Limits`, which clients can read from the error.

    The message is a whole sentence that gives the limit's value and name, which is `setting`. The
    extension `limit` has the name in camel case.
    """

    def __init__(self, message: str, limit: str, allowed: float, actual: float) -> None:
        super().__init__(ErrorCode.LIMIT_EXCEEDED, message)
        self.setting = limit
        self.limit = camel_case(limit)
        self.allowed = allowed
        self.actual = actual


def note_excess(error: DomainError) -> None:
    """Log and count an error if it says that a limit was exceeded.

    Failed credentials are not, as they may come in thousands: their first excess was.
    """
    if isinstance(error, LimitExceeded):
        note_limit(error.setting, error.allowed, error.actual)
    elif error.code is ErrorCode.LIMIT_EXCEEDED and not isinstance(error, TooManyFailures):
        names = [step for step in error.path if isinstance(step, str)]
        note_limit(names[-1] if names else OTHER)


@dataclass(slots=True)
class Extent:
    """The extent of a selection set with its fragments; `width` counts its first level."""

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
        """Add a field with what is selected below it; introspection has its own depth rule."""
        below = 0 if field.name.value in INTROSPECTION else inner.depth
        self.depth = max(self.depth, 1 + below)
        self.width += 1
        self.aliases += inner.aliases + (field.alias is not None)
        self.directives += inner.directives


def exceeded(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """Return an error for each limit that an operation exceeds, in time linear in the length.

    Each fragment is measured once. A document whose fragments form a cycle has no errors here, as
    validation refuses it.
    """
    try:
        fragments = _measure_fragments(document)
    except CycleError:
        return []
    errors = []
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            extent = _measure(node.selection_set, fragments)
            extent.directives += len(node.directives or ())
            for variable in node.variable_definitions or ():
                extent.directives += len(variable.directives or ())
            for excess in _excesses(extent, limits):
                errors.append(GraphQLError(excess.message, node, original_error=excess))
    return errors


def _excesses(extent: Extent, limits: Limits) -> Iterator[LimitExceeded]:
    checks = (
        ("is {:,} levels deep", "depth", limits.depth, extent.depth),
        ("selects {:,} root fields", "root_fields", limits.root_fields, extent.width),
        ("has {:,} aliases", "aliases", limits.aliases, extent.aliases),
        ("has {:,} directives", "directives", limits.directives, extent.directives),
    )
    for phrase, limit, allowed, counted in checks:
        # Fragments that double each other reach numbers beyond those that JSON readers represent.
        reported = min(counted, LARGEST_REPORTED)
        if reported > allowed:
            message = (
                f"The operation {phrase.format(reported)}; "
                f"at most {allowed:,} are allowed (limit: {limit})."
            )
            yield LimitExceeded(message, limit, allowed, reported)


def _measure_fragments(document: DocumentNode) -> dict[str, Extent]:
    """Return the extents of all fragments; raise CycleError if they form a cycle."""
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
