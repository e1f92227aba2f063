"""What a mutation did: the keys by which its payload finds the objects that it changed."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gateway.errors import DomainError


class Outcome(SimpleNamespace):
    """The row behind a payload; what was not set is null, as when the mutation was refused."""

    if TYPE_CHECKING:
        user_errors: list[DomainError]

    def __init__(self, **values: Any) -> None:
        super().__init__(**{"user_errors": [], **values})

    def __getattr__(self, name: str) -> Any:
        return None


@dataclass(slots=True)
class ItemResult:
    """What became of one entry of a bulk mutation."""

    uuid: UUID
    item_uuid: UUID | None = None
    user_errors: list[DomainError] = field(default_factory=list)


@dataclass(slots=True)
class FolderResult:
    """What became of one entry of a bulk mutation on folders."""

    uuid: UUID
    folder_uuid: UUID | None = None
    user_errors: list[DomainError] = field(default_factory=list)
