"""Permissions of mutations: what a mutation declares is what it checks, and what clients read.

A mutation declares what its caller needs, and checks it once it has taken its locks:

    @requires(ADMIN.on_folder("folder_uuid"))
    async def delete_storage_folder(context, input, permissions):
        async with context.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=True)
            await permissions.check(transaction)
            ...

It fails closed: while a declared requirement is unchecked, no transaction of the mutation commits
and no outcome is returned. The "Requires: …" sentence of the field comes from the declaration.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.identity import folders_with_phi_grant
from gateway.auth.job_visibility import is_own_job
from gateway.auth.roles import EffectiveRole, require_role, roles_on_folders
from gateway.context import Context
from gateway.database.engine import COMMIT_GUARD, Transaction
from gateway.error_texts import ADMIN_REQUIRED, IS_SYNCED, LIMITED_TO_TREE
from gateway.errors import DomainError, bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import StorageFolderType, StorageUserRole
from gateway.models.folders import folders
from gateway.models.jobs import JobRecord, jobs
from resolvers.id_lists import listed_twice
from resolvers.requirements import (
    IdentityRequirement,
    JobRequirement,
    ListRequirement,
    ObjectRequirement,
    OwnerRequirement,
    Requirement,
    RoleRequirement,
)

Input = TypeVar("Input")
Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=Requirement)
CheckedMutation = Callable[[Context, Input, "Permissions"], Awaitable[Result]]
PublicMutation = Callable[[Context, Input], Awaitable[Result]]


class PermissionNotCheckedError(RuntimeError):
    """Raised when a mutation would commit or return before it has checked what it declares."""


def requires(
    *requirements: Requirement,
) -> Callable[[CheckedMutation[Input, Result]], PublicMutation[Input, Result]]:
    """Declare what the caller of a mutation needs.

    The mutation gets `permissions` as its third argument and must check each requirement there.

    Raises:
        TypeError: there is no requirement, or two are on the same field, or one is on a field that
            the input does not have.
    """

    def declare(mutation: CheckedMutation[Input, Result]) -> PublicMutation[Input, Result]:
        input_type = inspect.signature(mutation, eval_str=True).parameters["input"].annotation
        known = {field.name for field in fields(input_type)}
        names = [requirement.field for requirement in requirements]
        unknown = {name.split(".")[0] for name in names} - known
        if unknown or not names:
            raise TypeError(f"{input_type.__name__} has no {', '.join(unknown) or 'requirements'}.")
        if len(set(names)) < len(names):
            raise TypeError(f"{input_type.__name__}: one field has two requirements.")

        @wraps(mutation)
        async def checked(context: Context, input: Input) -> Result:
            permissions = Permissions(context, input, requirements)
            with permissions.enforced():
                return await mutation(context, input, permissions)

        return _described(checked, [requirement.description for requirement in requirements])

    return declare


def requires_site_admin(
    mutation: PublicMutation[Input, Result],
) -> PublicMutation[Input, Result]:
    """Declare that the caller of a mutation must be a site admin, and check it before anything."""

    @wraps(mutation)
    async def checked(context: Context, input: Input) -> Result:
        if not context.viewer.administers_site:
            raise forbidden(LIMITED_TO_TREE if context.viewer.tree_uuid else ADMIN_REQUIRED)
        return await mutation(context, input)

    return _described(checked, ["the site role `ADMIN`"])


def requires_unlimited(
    mutation: PublicMutation[Input, Result],
) -> PublicMutation[Input, Result]:
    """Declare that the credential must not be limited to a folder, and check it before anything.

    It stands above `requires`, for mutations that also change what is in no folder, such as groups.
    """

    @wraps(mutation)
    async def checked(context: Context, input: Input) -> Result:
        if context.viewer.tree_uuid:
            raise forbidden(LIMITED_TO_TREE)
        return await mutation(context, input)

    needs: str = mutation.needs  # type: ignore[attr-defined]
    return _described(checked, [needs, "a credential that is not limited to a folder"])


class Roles:
    """The roles that the viewer has on some objects, compared with a required one."""

    def __init__(
        self, requirement: RoleRequirement, effective: Mapping[UUID, EffectiveRole]
    ) -> None:
        self._requirement = requirement
        self._effective = effective

    def __contains__(self, uuid: UUID) -> bool:
        """Return whether the viewer can see the object."""
        return uuid in self._effective

    def require(self, uuid: UUID, *path: str | int) -> None:
        """Raise `NOT_FOUND` or `FORBIDDEN` at `path` unless the viewer has the role."""
        requirement = self._requirement
        require_role(self._effective.get(uuid), requirement.role, requirement.noun, uuid, *path)

    def errors(self, uuids: Sequence[UUID], name: str) -> dict[int, DomainError]:
        """Return the errors of a list of objects by index; an object must not be listed twice."""
        errors: dict[int, DomainError] = {}
        first: dict[UUID, int] = {}
        for index, uuid in enumerate(uuids):
            if first.setdefault(uuid, index) != index:
                noun = self._requirement.noun
                errors[index] = listed_twice(noun, first[uuid], name, index)
                continue
            try:
                self.require(uuid, name, index)
            except DomainError as error:
                errors[index] = error
        return errors


class Permissions:
    """The requirements of one call of a mutation, and which of them are still unchecked."""

    def __init__(self, context: Context, input: Any, requirements: Sequence[Requirement]) -> None:
        self._viewer = context.viewer
        self._input = input
        self._requirements = {requirement.field: requirement for requirement in requirements}
        self._unchecked = {
            requirement.field for requirement in requirements if requirement.applies_to(input)
        }

    async def check(self, on: Transaction | AsyncConnection, *names: str) -> None:
        """Check the roles on the objects that the input names, in the order of the declaration.

        Args:
            on: where the roles are read.
            names: the input fields; without any, all that name one object.

        Raises:
            DomainError: the object does not exist or is hidden, or the role is missing.
        """
        all_names = [
            name
            for name, requirement in self._requirements.items()
            if isinstance(requirement, ObjectRequirement)
        ]
        for name in names or all_names:
            requirement = self._named(name, ObjectRequirement)
            if not requirement.applies_to(self._input):
                if requirement.receives and self._viewer.tree_uuid:  # something becomes a root
                    raise forbidden(LIMITED_TO_TREE, *requirement.path)
                continue
            uuid = requirement.value_in(self._input)
            (await self.roles(on, name, [uuid])).require(uuid, *requirement.path)
            if requirement.receives:
                await self._check_receiver(on, requirement, uuid)

    async def errors(self, on: Transaction | AsyncConnection, name: str) -> dict[int, DomainError]:
        """Return the errors of a list of objects in the input, by index."""
        requirement = self._named(name, ListRequirement)
        uuids = requirement.values_in(self._input)
        return (await self.roles(on, name, uuids)).errors(uuids, requirement.path[0])

    async def check_folder_of(
        self, on: Transaction | AsyncConnection, name: str, folder_uuid: UUID
    ) -> None:
        """Check the role on the folder of the row that the input names by its UUID."""
        requirement = self._named(name, RoleRequirement)
        roles = await self.roles(on, name, [folder_uuid])
        if folder_uuid not in roles:  # the error must not name the folder
            raise not_found(requirement.noun, getattr(self._input, name), *requirement.path)
        roles.require(folder_uuid, *requirement.path)

    async def check_receiver(
        self, on: Transaction | AsyncConnection, name: str, folder_uuid: UUID
    ) -> None:
        """Check the role on a folder that something is put into: the one named, or a default."""
        requirement = self._named(name, RoleRequirement)
        roles = await self.roles(on, name, [folder_uuid])
        if folder_uuid not in roles and getattr(self._input, name) is None:
            # The error must not name the folder.
            message = "You cannot see the folder that the item belongs to. Choose another one."
            raise bad_input(message, *requirement.path)
        roles.require(folder_uuid, *requirement.path)
        await self._check_receiver(on, requirement, folder_uuid)

    async def check_job(self, on: Transaction | AsyncConnection, name: str, job: JobRecord) -> None:
        """Check the role on the folder of a job, or that a job without one is the viewer's."""
        requirement = self._named(name, JobRequirement)
        if job.folder_uuid is not None:
            await self.check_folder_of(on, name, job.folder_uuid)
            return
        self._mark_checked(name)
        if not await self._has_row(on, jobs, job.uuid, is_own_job(self._viewer)):
            raise not_found(requirement.noun, job.uuid, *requirement.path)

    def check_owner(self, name: str, uuid: UUID, user_uuid: UUID | None) -> None:
        """Check that the owner of an object is the viewer, or that the viewer is a site admin."""
        requirement = self._named(name, OwnerRequirement)
        self._mark_checked(name)
        if user_uuid != self._viewer.user_uuid and not self._viewer.administers_site:
            raise requirement.refusal(uuid)

    async def check_shown(
        self,
        on: Transaction | AsyncConnection,
        name: str,
        table: sa.Table,
        uuid: UUID,
        is_shown: sa.ColumnElement[bool],
    ) -> None:
        """Check that the row of an object is one that only its owner and site admins are shown."""
        requirement = self._named(name, OwnerRequirement)
        self._mark_checked(name)
        if not await self._has_row(on, table, uuid, is_shown):
            raise requirement.refusal(uuid)

    def not_owned(self, name: str, owners: Mapping[UUID, UUID | None]) -> dict[UUID, DomainError]:
        """Return the errors of the objects, given with their owners, that belong to other users."""
        requirement = self._named(name, OwnerRequirement)
        self._mark_checked(name)
        if self._viewer.is_site_admin:
            return {}
        others = [uuid for uuid, owner in owners.items() if owner != self._viewer.user_uuid]
        return {uuid: requirement.refusal(uuid) for uuid in others}

    async def check_identity(
        self, on: Transaction | AsyncConnection, name: str, uuids: Collection[UUID]
    ) -> set[UUID]:
        """Return those of the folders on which the viewer lacks `ADMIN` with `seesPhi`.

        The requirement counts as checked: the caller refuses what is decided about these.
        """
        self._named(name, IdentityRequirement)
        self._mark_checked(name)
        connection = _connection(on)
        roles = await roles_on_folders(connection, self._viewer, uuids)
        admin = {
            uuid for uuid in uuids if uuid in roles and roles[uuid].role is StorageUserRole.ADMIN
        }
        return set(uuids) - (admin & await folders_with_phi_grant(connection, self._viewer, admin))

    async def roles(
        self, on: Transaction | AsyncConnection, name: str, uuids: Collection[UUID]
    ) -> Roles:
        """Return the roles on the objects that a requirement is about.

        The requirement counts as checked: the caller refuses each object that lacks the role.
        """
        requirement = self._named(name, RoleRequirement)
        self._mark_checked(name)
        return Roles(
            requirement,
            await requirement.type.load_roles(_connection(on), self._viewer, uuids),
        )

    @staticmethod
    async def _check_receiver(
        on: Transaction | AsyncConnection, requirement: Requirement, uuid: UUID
    ) -> None:
        selected = sa.select(folders.c.folder_type).where(folders.c.uuid == uuid)
        folder = (await _connection(on).execute(selected)).one()
        if folder.folder_type is not StorageFolderType.GENERIC:
            raise conflict(IS_SYNCED, *requirement.path)

    @staticmethod
    async def _has_row(
        on: Transaction | AsyncConnection,
        table: sa.Table,
        uuid: UUID,
        condition: sa.ColumnElement[bool],
    ) -> bool:
        found = sa.select(table.c.uuid).where(table.c.uuid == uuid, condition)
        return (await _connection(on).execute(found)).first() is not None

    def accept_replay(self) -> None:
        """Skip what is unchecked: the viewer gets the outcome of an earlier, checked request."""
        self._unchecked.clear()

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Let nothing commit, and the block not end well, while a requirement is unchecked."""
        token = COMMIT_GUARD.set(self._raise_if_unchecked)
        try:
            yield
            self._raise_if_unchecked()
        finally:
            COMMIT_GUARD.reset(token)
            self._unchecked.clear()  # tasks that the mutation has started go on with the guard

    def _raise_if_unchecked(self) -> None:
        if self._unchecked:
            missing = ", ".join(sorted(self._unchecked))
            raise PermissionNotCheckedError(f"Declared, but not checked: {missing}.")

    def _mark_checked(self, name: str) -> None:
        """Note that a requirement is checked: the one way to let the mutation commit."""
        self._unchecked.discard(name)

    def _named(self, name: str, kind: type[Kind]) -> Kind:
        requirement = self._requirements[name]
        if not isinstance(requirement, kind):
            raise TypeError(f"The requirement on {name} is not a {kind.__name__}.")
        return requirement


def _described(
    mutation: PublicMutation[Input, Result], needs: Sequence[str]
) -> PublicMutation[Input, Result]:
    mutation.needs = "; ".join(needs)  # type: ignore[attr-defined]  # read by the schema
    return mutation


def _connection(on: Transaction | AsyncConnection) -> AsyncConnection:
    return on.connection if isinstance(on, Transaction) else on
