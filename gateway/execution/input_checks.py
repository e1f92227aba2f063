"""Checks of the values that a caller sends: storable text, in JSON of bounded size and depth."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
)
from graphql.error import GraphQLError

from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.execution.limits import INTROSPECTION, LimitExceeded
from gateway.json_values import unstorable_character
from gateway.limits import Limits


def format_path(path: Path) -> str:
    """Return a path as people write it: `input.units[3].title`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def check_variables(variables: Mapping[str, Any], limits: Limits) -> int:
    """Check that variables can be stored, and that they are neither too deep nor too many.

    Returns:
        The number of values in them.

    Raises:
        DomainError: `BAD_USER_INPUT` or `LIMIT_EXCEEDED`, naming the variable.
    """
    pending: list[tuple[Path, object]] = [((), variables)]
    count = 0
    while pending:
        path, value = pending.pop()
        if isinstance(value, str):
            _check_text(path, value)
            continue
        if not isinstance(value, list | dict):
            continue
        if len(path) > limits.nesting:
            message = (
                f"Variable ${path[0]} is nested more than {limits.nesting:,} levels deep "
                "(limit: nesting)."
            )
            raise LimitExceeded(message, "nesting", limits.nesting, len(path))
        count += len(value)
        if count > limits.values:
            message = f"The variables contain more than {limits.values:,} values (limit: values)."
            raise LimitExceeded(message, "values", limits.values, count)
        if isinstance(value, list):
            if set(map(type, value)) == {str} and unstorable_character("".join(value)) is None:
                continue
            pending.extend(((*path, index), element) for index, element in enumerate(value))
        else:
            for key, element in value.items():
                _check_text(path, key)
                pending.append(((*path, key), element))
    return count


def _check_text(path: Path, text: str) -> None:
    if character := unstorable_character(text):
        message = f"Variable ${format_path(path)} contains {character}, which cannot be stored."
        raise bad_input(message, *path)


class NoIntrospection(ValidationRule):
    """Refuses fields that describe the schema; `__typename` does not."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        if node.name.value in INTROSPECTION:
            refusal = DomainError(ErrorCode.INTROSPECTION_DISABLED, "Introspection is disabled.")
            self.report_error(GraphQLError(refusal.message, node, original_error=refusal))


class StorableLiterals(ValidationRule):
    """Refuses string literals that cannot be stored; errors name the argument or variable."""

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        self._check((node.name.value,), node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_args: Any) -> None:
        if node.default_value:
            self._check((node.variable.name.value,), node.default_value)

    def _check(self, path: Path, node: ValueNode) -> None:
        if isinstance(node, StringValueNode):
            if character := unstorable_character(node.value):
                message = (
                    f"Argument {format_path(path)} contains {character}, which cannot be stored."
                )
                refusal = bad_input(message, *path)
                self.report_error(GraphQLError(message, node, original_error=refusal))
        elif isinstance(node, ListValueNode):
            for index, value in enumerate(node.values):
                self._check((*path, index), value)
        elif isinstance(node, ObjectValueNode):
            for field in node.fields:
                self._check((*path, field.name.value), field.value)
