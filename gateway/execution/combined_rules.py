"""Many validation rules run as one, which leaves little to the garbage collector.

graphql-core merges rules into new closures for every document and every kind of node, and each rule
caches its own methods: reference cycles of about a thousand objects per document. Here the methods
are looked up once for all documents.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from graphql import (
    BREAK,
    SKIP,
    ASTValidationRule,
    DocumentNode,
    Node,
    ValidationContext,
    ValidationRule,
)

_Handler = Callable[..., Any]
"""A method of a rule's class, such as `enter_field`."""


class _Handlers(NamedTuple):
    """The methods that take nodes of a kind, each with the index of its rule."""

    enter: tuple[tuple[int, _Handler], ...]
    leave: tuple[tuple[int, _Handler], ...]


class _HandlersByKind(dict[str, _Handlers]):
    """The methods for each kind of node, looked up when a document first has that kind."""

    def __init__(self, rules: Collection[type[ASTValidationRule]]) -> None:
        self._rules = rules

    def __missing__(self, kind: str) -> _Handlers:
        handlers = self[kind] = _Handlers(self._find("enter", kind), self._find("leave", kind))
        return handlers

    def _find(self, step: str, kind: str) -> tuple[tuple[int, _Handler], ...]:
        """Return the methods for a kind, or else for all kinds, of the rules that have one."""
        found = (
            getattr(rule, f"{step}_{kind}", None) or getattr(rule, step, None)
            for rule in self._rules
        )
        return tuple((index, handler) for index, handler in enumerate(found) if handler)


def combined(rules: Collection[type[ASTValidationRule]]) -> type[ValidationRule]:
    """Return one rule that reports what these rules report, in the same order.

    Each may skip nodes and stop, but none may edit the document.
    """
    handlers = _HandlersByKind(rules)

    class CombinedRules(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self._rules = [rule(context) for rule in rules]
            self._skipping: dict[int, object] = {}

        def enter(self, node: Node, *where: Any) -> None:
            skipping = self._skipping
            for index, handler in handlers[node.kind].enter:
                if index not in skipping:
                    result = handler(self._rules[index], node, *where)
                    if result is None:
                        continue
                    if result is SKIP or result is False:
                        skipping[index] = node
                    elif result is BREAK or result is True:
                        skipping[index] = BREAK

        def leave(self, node: Node, *where: Any) -> None:
            skipping = self._skipping
            for index, handler in handlers[node.kind].leave:
                if index not in skipping:
                    result = handler(self._rules[index], node, *where)
                    if result is BREAK or result is True:
                        skipping[index] = BREAK
            if skipping:
                for index in [index for index, skipped in skipping.items() if skipped is node]:
                    del skipping[index]
            if isinstance(node, DocumentNode):
                self._rules.clear()  # graphql-core's visitors form a cycle with this one

    return CombinedRules
