"""The doors of mutations: each names what it needs, and refuses those who lack it before anything has changed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Sized
from functools import wraps
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import (
    EffectiveRole,
    require_role,
    roles_on_datasets,
    roles_on_folders,
    roles_on_integrations,
    roles_on_items,
)
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, conflict, forbidden
from gateway.kinds.enums import SiteRole, StorageFolderType, StorageUserRole
from gateway.models.folders import folders

Input = TypeVar("Input")
Result = TypeVar("Result")
Mutation = Callable[[Context, Input], Awaitable[Result]]
MAX_IDS = 1000


def requires(
    what: str, site: SiteRole = SiteRole.MEMBER
) -> Callable[[Mutation[Input, Result]], Mutation[Input, Result]]:
    """Say in words what a mutation needs; a role on the site is checked here, those on objects by the mutation."""

    def mark(mutation: Mutation[Input, Result]) -> Mutation[Input, Result]:
        @wraps(mutation)
        async def behind_the_door(context: Context, input: Input) -> Result:
            if site is SiteRole.ADMIN and not context.viewer.is_site_admin:
                raise forbidden("This is for admins of the site.")
            return await mutation(context, input)

        behind_the_door.needs = what  # type: ignore[attr-defined]  # read by schema.fields and by the tests
        return behind_the_door

    return mark


async def require_folder_role(
    context: Context, transaction: Transaction, uuid: UUID, role: StorageUserRole, *path: str | int
) -> None:
    """The viewer holds the role on the folder, or is refused at `path`."""
    held = await roles_on_folders(transaction.connection, context.viewer, [uuid])
    require_role(held.get(uuid), role, "folder", *path)


async def require_target_folder_role(
    context: Context, transaction: Transaction, uuid: UUID, role: StorageUserRole, *path: str | int
) -> None:
    """The same for a folder that something is to be put into: what mirrors a bucket holds what lies there, no more."""
    await require_folder_role(context, transaction, uuid, role, *path)
    found = await transaction.first(sa.select(folders.c.folder_type).where(folders.c.uuid == uuid))
    if found.folder_type is not StorageFolderType.GENERIC:
        raise conflict("This folder mirrors a bucket: put it there, and sync the folder.", *path)


async def require_dataset_role(
    context: Context, transaction: Transaction, uuid: UUID, role: StorageUserRole, *path: str | int
) -> None:
    """The viewer holds the role on the dataset, or is refused at `path`."""
    held = await roles_on_datasets(transaction.connection, context.viewer, [uuid])
    require_role(held.get(uuid), role, "dataset", *path)


async def require_integration_role(
    context: Context, transaction: Transaction, uuid: UUID, role: StorageUserRole, *path: str | int
) -> None:
    """The viewer holds the role on the cloud integration, or is refused at `path`."""
    held = await roles_on_integrations(transaction.connection, context.viewer, [uuid])
    require_role(held.get(uuid), role, "cloud integration", *path)


async def folder_role_errors(
    context: Context,
    transaction: Transaction,
    uuids: Sequence[UUID],
    role: StorageUserRole,
    name: str,
) -> dict[int, DomainError]:
    """What is wrong with each of these folders, by its place in the input."""
    held = await roles_on_folders(transaction.connection, context.viewer, uuids)
    return _refused(uuids, held, role, "folder", name)


async def item_role_errors(
    context: Context,
    transaction: Transaction,
    uuids: Sequence[UUID],
    role: StorageUserRole,
    name: str,
) -> dict[int, DomainError]:
    """What is wrong with each of these items, by its place in the input."""
    held = await roles_on_items(transaction.connection, context.viewer, uuids)
    return _refused(uuids, held, role, "item", name)


def check_list_size(entries: Sized, name: str) -> None:
    """1 to 1,000 entries in one request."""
    if not entries:
        raise DomainError(ErrorCode.BAD_USER_INPUT, f"{name} is empty.", (name,))
    if len(entries) > MAX_IDS:
        message = f"{name} has {len(entries):,} entries; at most {MAX_IDS:,} are allowed."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (name,))


def _refused(
    uuids: Sequence[UUID],
    held: Mapping[UUID, EffectiveRole],
    role: StorageUserRole,
    what: str,
    name: str,
) -> dict[int, DomainError]:
    errors: dict[int, DomainError] = {}
    seen: dict[UUID, int] = {}
    for place, uuid in enumerate(uuids):
        if uuid in seen:
            message = f"This {what} stands in the list already, at position {seen[uuid]}."
            errors[place] = DomainError(ErrorCode.BAD_USER_INPUT, message, (name, place))
            continue
        seen[uuid] = place
        try:
            require_role(held.get(uuid), role, what, name, place)
        except DomainError as error:
            errors[place] = error
    return errors
