"""What a mutation did: the keys by which its payload finds the objects that it changed."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gateway.errors import DomainError


class Outcome(SimpleNamespace):
    """The row behind a payload; what was not set is null, as when the mutation was refused."""

    if TYPE_CHECKING:
        user_errors: list[DomainError]

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"user_errors": [], **values})

    def __getattr__(self, name: str) -> Any:
        return None

