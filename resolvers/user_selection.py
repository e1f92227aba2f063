"""Users in an input, by uuid or e-mail address or both."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from gateway.catalog import people
from gateway.database.engine import Transaction
from gateway.errors import bad_input, not_found
from gateway.models.base import fold
from resolvers.id_lists import check_ids_exist
from resolvers.permissions import check_list_size


class UserSelection(Protocol):
    """An input that names users."""

    user_uuids: list[UUID] | None
    user_emails: list[str] | None


def check_selection(input: UserSelection) -> None:
    """Somebody must be named, at most 1,000 in each way."""
    given: Mapping[str, Sequence[Any] | None] = {
        "userUuids": input.user_uuids,
        "userEmails": input.user_emails,
    }
    if not any(given.values()):
        raise bad_input("Give userUuids, userEmails or both.", "userUuids")
    for name, entries in given.items():
        if entries:
            check_list_size(entries, name)
    for place, email in enumerate(input.user_emails or []):
        people.validate_email(email, "userEmails", place)


async def require_users(transaction: Transaction, input: UserSelection) -> set[UUID]:
    """The users that are named; raises `NOT_FOUND` for an address that nobody has."""
    named = await _by_uuid(transaction, input)
    found = await people.users_by_email(transaction, input.user_emails or [])
    for place, email in enumerate(input.user_emails or []):
        if fold(email) not in found:
            raise not_found("user", "userEmails", place)
    return named | set(found.values())


async def existing_users(transaction: Transaction, input: UserSelection) -> set[UUID]:
    """The users that are named; addresses that nobody has are passed over."""
    found = await people.users_by_email(transaction, input.user_emails or [])
    return await _by_uuid(transaction, input) | set(found.values())


async def _by_uuid(transaction: Transaction, input: UserSelection) -> set[UUID]:
    uuids = input.user_uuids or []
    known = await people.existing_users(transaction, uuids)
    check_ids_exist(uuids, known, "user", "userUuids")
    return known
