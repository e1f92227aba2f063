"""Bulk mutations: all entries or none are applied, unless the client allows a partial result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.errors import DomainError, ErrorCode
from resolvers.outcomes import UserErrorRow, to_user_error, to_user_errors


def not_applied() -> DomainError:
    """Return the error of a valid entry of a request that failed because of another entry."""
    message = "Not applied: another entry of the request failed."
    return DomainError(ErrorCode.NOT_APPLIED, message)


@dataclass(frozen=True, slots=True)
class EntryResult:
    """Result of one entry of a bulk mutation."""

    uuid: UUID
    is_applied: bool
    user_errors: list[UserErrorRow] = field(default_factory=list)

    @property
    def item_uuid(self) -> UUID | None:
        """Key of the item behind the result; None unless the entry was applied."""
        return self.uuid if self.is_applied else None

    @property
    def folder_uuid(self) -> UUID | None:
        """Key of the folder behind the result; None unless the entry was applied."""
        return self.uuid if self.is_applied else None


class Bulk:
    """The entries of one request and their errors, which are keyed by index in the input."""

    def __init__(
        self, uuids: Sequence[UUID], allow_partial: bool, errors: Mapping[int, DomainError]
    ) -> None:
        self.uuids = list(uuids)
        self.errors = dict(errors)
        self._allow_partial = allow_partial

    @property
    def accepted(self) -> list[int]:
        """Indexes of the entries to apply: those without errors, or none if all must succeed."""
        if self.errors and not self._allow_partial:
            return []
        return [index for index in range(len(self.uuids)) if index not in self.errors]

    @property
    def accepted_uuids(self) -> list[UUID]:
        """The UUIDs of the entries to apply."""
        return [self.uuids[index] for index in self.accepted]

    @property
    def user_errors(self) -> list[UserErrorRow]:
        """The errors of all entries, in the order of the input."""
        return to_user_errors(self.errors[index] for index in sorted(self.errors))

    @property
    def results(self) -> list[EntryResult]:
        """One result for each entry, in the order of the input."""
        accepted = set(self.accepted)
        return [
            EntryResult(uuid, True)
            if index in accepted
            else EntryResult(uuid, False, [to_user_error(self.errors.get(index) or not_applied())])
            for index, uuid in enumerate(self.uuids)
        ]
