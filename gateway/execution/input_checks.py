"""What the values that a caller sends may hold: text that every database can store, in JSON of bounded size."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
)
from graphql.error import GraphQLError

from gateway.errors import Path, bad_input
from gateway.execution.limits import LimitExceeded
from gateway.json_values import unstorable_character
from gateway.settings import Limits


def shown(path: Path) -> str:
    """A path as people write it: `input.units[3].title`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def check_variables(variables: Mapping[str, Any], limits: Limits) -> int:
    """Refuse variables that cannot be stored, are nested too deeply or are too many; the error names the place.

    Returns how many values they hold.
    """
    waiting: list[tuple[Path, object]] = [((), variables)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            _check_text(path, value)
        elif isinstance(value, list | dict):
            if len(path) > limits.nesting:
                raise LimitExceeded(
                    f"Variable ${path[0]} is nested more deeply",
                    "nesting",
                    limits.nesting,
                    len(path),
                )
            count += len(value)
            if count > limits.values:
                raise LimitExceeded(
                    "The variables hold more values", "values", limits.values, count
                )
            waiting.extend(_children(path, value))
    return count


def _children(path: Path, value: list[Any] | dict[str, Any]) -> Iterator[tuple[Path, object]]:
    if isinstance(value, list):
        return (((*path, index), child) for index, child in enumerate(value))
    for key in value:
        _check_text(path, key)
    return (((*path, key), child) for key, child in value.items())


def _check_text(path: Path, text: str) -> None:
    if flaw := unstorable_character(text):
        raise bad_input(f"Variable ${shown(path)} contains {flaw}, which cannot be stored.", *path)


class StorableLiterals(ValidationRule):
    """String literals hold only what can be stored; the error names the argument or variable."""

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        self._check((node.name.value,), node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        if node.default_value:
            self._check((node.variable.name.value,), node.default_value)

    def _check(self, path: Path, node: ValueNode) -> None:
        if isinstance(node, StringValueNode):
            if flaw := unstorable_character(node.value):
                refusal = bad_input(
                    f"Argument {shown(path)} contains {flaw}, which cannot be stored.", *path
                )
                self.report_error(GraphQLError(refusal.message, node, original_error=refusal))
        elif isinstance(node, ListValueNode):
            for index, value in enumerate(node.values):
                self._check((*path, index), value)
        elif isinstance(node, ObjectValueNode):
            for field in node.fields:
                self._check((*path, field.name.value), field.value)
