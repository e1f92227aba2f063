"""Lists of ids in an input: how long they may be, and that each id exists and is listed once."""

from collections.abc import Container, Sequence, Sized
from uuid import UUID

from gateway.error_texts import listed_more_than_once, sized
from gateway.errors import DomainError, DomainErrors, ErrorCode, bad_input, not_found

MAX_IDS = 1000


def check_list_size(entries: Sized, name: str, maximum: int = MAX_IDS) -> None:
    """Raise a domain error unless the list has 1 to 1,000 entries, or another maximum."""
    if not 1 <= len(entries) <= maximum:
        code = ErrorCode.LIMIT_EXCEEDED if entries else ErrorCode.BAD_USER_INPUT
        raise DomainError(code, sized(name, 1, maximum, len(entries), "entries"), (name,))


def check_ids_exist(uuids: Sequence[UUID], existing: Container[UUID], noun: str, name: str) -> None:
    """Raise `DomainErrors` with an error for each id that does not exist or is listed twice."""
    first: dict[UUID, int] = {}
    errors: list[DomainError] = []
    for index, uuid in enumerate(uuids):
        if first.setdefault(uuid, index) != index:
            errors.append(listed_twice(noun, first[uuid], name, index))
        elif uuid not in existing:
            errors.append(not_found(noun, uuid, name, index))
    if errors:
        raise DomainErrors(errors)


def listed_twice(noun: str, first: int, *path: str | int) -> DomainError:
    """Return the error at `path` of an entry that is in the list at position `first` already."""
    return bad_input(listed_more_than_once(noun, first), *path)
