"""Bulk mutations: all or nothing unless the client allows parts; each entry is told what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.errors import DomainError, ErrorCode
from resolvers.outcomes import Outcome, UserErrorRow, to_user_error


@dataclass(slots=True)
class EntryResult:
    """What became of one entry; the object behind `item_uuid` or `folder_uuid` is the uuid, if it was done."""

    uuid: UUID
    done: bool
    user_errors: list[UserErrorRow] = field(default_factory=list)

    @property
    def item_uuid(self) -> UUID | None:
        """The item, if the entry was done and is one."""
        return self.uuid if self.done else None

    @property
    def folder_uuid(self) -> UUID | None:
        """The folder, if the entry was done and is one."""
        return self.uuid if self.done else None


class Bulk:
    """The entries of one request and what is wrong with them, by their place."""

    def __init__(
        self, uuids: Sequence[UUID], allow_partial: bool, errors: Mapping[int, DomainError]
    ) -> None:
        self.uuids = list(uuids)
        self.errors = dict(errors)
        self._allow_partial = allow_partial

    @property
    def accepted(self) -> list[int]:
        """The places of the entries to do: those without fault, or none if all must be."""
        if self.errors and not self._allow_partial:
            return []
        return [place for place in range(len(self.uuids)) if place not in self.errors]

    @property
    def accepted_uuids(self) -> list[UUID]:
        """The uuids of the entries to do."""
        return [self.uuids[place] for place in self.accepted]

    def outcome(self, **values: object) -> Outcome:
        """What the payload tells, entry by entry, once the accepted entries are done."""
        done = set(self.accepted)
        results = [
            self._result(place, uuid, place in done) for place, uuid in enumerate(self.uuids)
        ]
        return Outcome(
            results=results,
            user_errors=[to_user_error(self.errors[place]) for place in sorted(self.errors)],
            **values,
        )

    def _result(self, place: int, uuid: UUID, done: bool) -> EntryResult:
        if done:
            return EntryResult(uuid, True)
        error = self.errors.get(place) or DomainError(
            ErrorCode.NOT_APPLIED,
            "Nothing is wrong with this entry, but another made the whole fail.",
        )
        return EntryResult(uuid, False, [to_user_error(error)])
