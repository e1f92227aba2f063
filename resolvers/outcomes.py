"""What a mutation did: the keys by which its payload finds the objects that it changed, and what was refused."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gateway.errors import DomainError, ErrorCode, Path


@dataclass(frozen=True, slots=True)
class UserErrorRow:
    """A refusal as a row: graphql-core would raise the domain error itself, wherever it met it."""

    code: ErrorCode
    message: str
    path: Path


class Outcome(SimpleNamespace):
    """The row behind a payload; what was not set is null, as when the mutation was refused."""

    if TYPE_CHECKING:
        user_errors: list[UserErrorRow]

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"user_errors": [], **values})

    def __getattr__(self, name: str) -> Any:
        return None


def to_user_error(error: DomainError) -> UserErrorRow:
    """What the caller reads of a refusal, with its path from `input` down."""
    return UserErrorRow(error.code, error.message, ("input", *error.path))
