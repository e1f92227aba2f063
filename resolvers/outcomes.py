"""Outcomes of mutations: the rows behind their payloads.

Each mutation has an outcome class of its own, which stands above it and holds what the fields of
its GraphQL payload are resolved from: keys of the objects that it changed, counts, and errors.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.errors import DomainError, ErrorCode, Path
from gateway.execution.limits import note_excess
from gateway.telemetry.tracing import note_error


@dataclass(frozen=True, slots=True)
class UserErrorRow:
    """The row behind a `UserError`.

    It is not the domain error itself, because graphql-core raises every exception that a resolver
    returns.
    """

    code: ErrorCode
    message: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Base of all outcomes.

    Every field of a subclass is optional and None by default: the outcome of a refused mutation is
    built from its errors alone.
    """

    user_errors: list[UserErrorRow] = field(default_factory=list)


def to_user_error(error: DomainError) -> UserErrorRow:
    """Return the row of a domain error; its path starts at the argument `input`."""
    note_error(error.code, is_user_error=True)
    note_excess(error)
    return UserErrorRow(error.code, error.message, ("input", *error.path))


def to_user_errors(errors: Iterable[DomainError]) -> list[UserErrorRow]:
    """Return the rows of several domain errors, in their order."""
    return [to_user_error(error) for error in errors]
