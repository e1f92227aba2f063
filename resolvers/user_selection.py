"""Users that an input selects by UUID, by email address, or both."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_user
from gateway.catalog import people
from gateway.database.engine import Transaction
from gateway.errors import bad_input, not_found
from gateway.models.base import fold
from resolvers.id_lists import check_ids_exist, check_list_size


class UserSelection(Protocol):
    """An input that selects users."""

    user_uuids: list[UUID] | None
    user_emails: list[str] | None


def check_selection(input: UserSelection) -> None:
    """Raise a domain error unless 1 to 1,000 UUIDs, addresses or both are given."""
    lists: Mapping[str, Sequence[UUID | str] | None] = {
        "userUuids": input.user_uuids,
        "userEmails": input.user_emails,
    }
    if not any(lists.values()):
        raise bad_input("Set userUuids, userEmails or both.", "userUuids")
    for name, entries in lists.items():
        if entries:
            check_list_size(entries, name)
    for index, email in enumerate(input.user_emails or []):
        people.validate_email(email, "userEmails", index)


async def require_users(
    transaction: Transaction, viewer: Viewer, input: UserSelection
) -> set[UUID]:
    """Return the selected users.

    Raises:
        DomainError: `NOT_FOUND`, if the viewer finds none with a UUID or address.
    """
    emails, seen = input.user_emails or [], sees_user(viewer)
    users = await _users_by_uuid(transaction, input, seen)
    by_email = await people.users_by_email(transaction, emails, seen)
    for index, email in enumerate(emails):
        if fold(email) not in by_email:
            raise not_found("user", email, "userEmails", index)
    return users | set(by_email.values())


async def existing_users(transaction: Transaction, input: UserSelection) -> set[UUID]:
    """Return the selected users, without the addresses that no user has."""
    by_email = await people.users_by_email(transaction, input.user_emails or [])
    return await _users_by_uuid(transaction, input) | set(by_email.values())


async def _users_by_uuid(
    transaction: Transaction, input: UserSelection, *conditions: sa.ColumnElement[bool]
) -> set[UUID]:
    uuids = input.user_uuids or []
    existing = await people.existing_users(transaction, uuids, *conditions)
    check_ids_exist(uuids, existing, "user", "userUuids")
    return existing
