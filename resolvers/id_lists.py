"""Lists of ids in an input: each must be that of something which is there, and stand in the list once."""

from collections.abc import Container, Sequence
from uuid import UUID

from gateway.errors import DomainError, DomainErrors, bad_input, not_found


def check_ids_exist(uuids: Sequence[UUID], present: Container[UUID], what: str, name: str) -> None:
    """Refuse the whole, naming every entry of the list that is not there or stands in it twice."""
    first = {uuid: place for place, uuid in reversed(list(enumerate(uuids)))}
    errors: list[DomainError] = []
    for place, uuid in enumerate(uuids):
        if first[uuid] != place:
            message = f"This {what} stands in the list already, at position {first[uuid]}."
            errors.append(bad_input(message, name, place))
        elif uuid not in present:
            errors.append(not_found(what, name, place))
    if errors:
        raise DomainErrors(errors)
