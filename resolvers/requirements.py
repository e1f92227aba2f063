"""Requirements of mutations: a role and the input field that names the object it is on.

Each describes itself to clients: `ADMIN.on_folder("folder_uuid")` is "`ADMIN` on the folder".
`resolvers.permissions` checks requirements.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.roles import (
    EffectiveRole,
    roles_on_communities,
    roles_on_datasets,
    roles_on_folders,
    roles_on_integrations,
    roles_on_items,
)
from gateway.auth.viewer import Viewer
from gateway.errors import DomainError
from gateway.kinds.enums import StorageUserRole

LoadRoles = Callable[
    [AsyncConnection, Viewer, Collection[UUID]], Awaitable[dict[UUID, EffectiveRole]]
]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A type of object that has grants: its name in errors and the function that reads roles."""

    noun: str
    load_roles: LoadRoles


FOLDER = ResourceType("folder", roles_on_folders)
ITEM = ResourceType("item", roles_on_items)
DATASET = ResourceType("dataset", roles_on_datasets)
COMMUNITY = ResourceType("community", roles_on_communities)
INTEGRATION = ResourceType("cloud integration", roles_on_integrations)


def values_of(input: Any, field: str) -> list[Any]:
    """Return the value of a field of an input, or, after a dot, those of each entry of a list."""
    name, _, key = field.partition(".")
    entries = getattr(input, name)
    return [getattr(entry, key) for entry in entries] if key else [entries]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A condition on the caller, named by the input field that it is about.

    A dot in the name leads into a nested input, or into each entry of a list.
    """

    field: str
    description: str

    @property
    def path(self) -> tuple[str, ...]:
        """Path of the field in the input, as clients spell it."""
        return tuple(to_camel_case(name) for name in self.field.split("."))

    def applies_to(self, input: Any) -> bool:
        """Return whether the requirement has to be checked for this input."""
        return True


@dataclass(frozen=True, slots=True)
class RoleRequirement(Requirement):
    """A role on objects; which ones is known once the mutation has read rows.

    It is checked by `Permissions.roles`, or by `check_folder_of` if it is one row's folder.
    """

    role: StorageUserRole
    type: ResourceType
    noun: str


@dataclass(frozen=True, slots=True)
class ObjectRequirement(RoleRequirement):
    """A role on the object that an input field names, checked by `Permissions.check`.

    Without a value in an `is_optional` field nothing is required. A folder that `receives` folders
    or items must not mirror a bucket.
    """

    is_optional: bool = False
    receives: bool = False

    def applies_to(self, input: Any) -> bool:
        """Return False if the field is optional and has no value."""
        return not self.is_optional or bool(self.value_in(input))

    def value_in(self, input: Any) -> Any:
        """Return the UUID in the field, or None or UNSET."""
        for name in self.field.split("."):
            input = input and getattr(input, name)
        return input


@dataclass(frozen=True, slots=True)
class ListRequirement(RoleRequirement):
    """A role on each object of a list in the input, checked by `Permissions.errors`."""

    def values_in(self, input: Any) -> list[UUID]:
        """Return the UUIDs of the list."""
        name, _, key = self.field.partition(".")
        entries = getattr(input, name)
        return [getattr(entry, key) for entry in entries] if key else list(entries)


@dataclass(frozen=True, slots=True)
class OwnerRequirement(Requirement):
    """Being the owner of an object or a site admin, checked by `Permissions.check_owner`.

    For objects that the others are not shown, it is checked by `Permissions.check_shown`.
    """

    refusal: Callable[[UUID], DomainError]
    """Returns the error for an object, by its UUID, that belongs to another user."""
    decides: Callable[[Any], bool] | None = None
    """Returns whether a value of the field needs this; every one does if None."""

    def applies_to(self, input: Any) -> bool:
        """Return whether any value of the field in the input needs this."""
        return self.decides is None or any(map(self.decides, values_of(input, self.field)))


@dataclass(frozen=True, slots=True)
class IdentityRequirement(Requirement):
    """`ADMIN` with `seesPhi` on folders, for inputs that decide who sees identities there.

    It is checked by `Permissions.check_identity`.
    """

    decides: Callable[[Any], bool]
    """Returns whether a value of the field decides something."""

    def applies_to(self, input: Any) -> bool:
        """Return whether any value of the field in the input decides something."""
        return any(map(self.decides, values_of(input, self.field)))


@dataclass(frozen=True, slots=True)
class JobRequirement(RoleRequirement):
    """A role on the folder of a job, checked by `Permissions.check_job`.

    A job without a folder requires being its starter or a site admin instead.
    """


@dataclass(frozen=True, slots=True)
class Role:
    """A role, from which requirements are made; their first argument is an input field."""

    role: StorageUserRole

    def on_folder(
        self, field: str, name: str = "the folder", *, optional: bool = False
    ) -> ObjectRequirement:
        """Require the role on a folder."""
        return self._on(FOLDER, field, name, optional)

    def on_receiving_folder(
        self, field: str, name: str = "the folder", *, optional: bool = False
    ) -> ObjectRequirement:
        """Require the role on a folder that something is put into: it must not mirror a bucket."""
        return self._on(FOLDER, field, name, optional, receives=True)

    def on_receiver(self, field: str, default: str) -> RoleRequirement:
        """Require the role on a folder that something is put into, by default another one.

        See `Permissions.check_receiver`.
        """
        text = f"`{self.role}` on the target folder, which is {default} by default"
        return RoleRequirement(field, text, self.role, FOLDER, FOLDER.noun)

    def on_dataset(self, field: str, *, optional: bool = False) -> ObjectRequirement:
        """Require the role on a dataset."""
        return self._on(DATASET, field, "the dataset", optional)

    def on_integration(self, field: str, *, optional: bool = False) -> ObjectRequirement:
        """Require the role on a cloud integration."""
        return self._on(INTEGRATION, field, "the cloud integration", optional)

    def on_community(self, field: str) -> ObjectRequirement:
        """Require the role on a community, which is that on its root folder."""
        return self._on(COMMUNITY, field, "the root folder of the community", False)

    def on_community_or(self, field: str, alternative: str) -> RoleRequirement:
        """Require the role on a community, or something else; see `Permissions.roles`."""
        text = f"`{self.role}` on the root folder of the community, or {alternative}"
        return RoleRequirement(field, text, self.role, COMMUNITY, "community")

    def on_item(self, field: str) -> ObjectRequirement:
        """Require the role on an item, which is that on its folder."""
        return self._on(ITEM, field, "the item's folder", False)

    def on_each_folder(self, field: str) -> ListRequirement:
        """Require the role on each folder of a list."""
        return ListRequirement(field, f"`{self.role}` on each folder", self.role, FOLDER, "folder")

    def on_each_item(self, field: str, otherwise: str = "") -> ListRequirement:
        """Require the role on each item of a list; `otherwise` says what else suffices."""
        text = f"`{self.role}` on the folder of each item{otherwise}"
        return ListRequirement(field, text, self.role, ITEM, "item")

    def on_folders_in(self, field: str, name: str) -> RoleRequirement:
        """Require the role on all folders that a nested input names; see `Permissions.roles`."""
        return RoleRequirement(field, f"`{self.role}` on {name}", self.role, FOLDER, FOLDER.noun)

    def on_items_in(self, field: str) -> RoleRequirement:
        """Require the role on all items that a nested input means; see `Permissions.roles`."""
        text = f"`{self.role}` on the folder of each item"
        return RoleRequirement(field, text, self.role, ITEM, "item")

    def on_integrations_in(self, field: str, name: str) -> RoleRequirement:
        """Require the role on all integrations that a change involves; see `Permissions.roles`."""
        text = f"`{self.role}` on {name}"
        return RoleRequirement(field, text, self.role, INTEGRATION, INTEGRATION.noun)

    def on_folder_of(self, field: str, noun: str) -> RoleRequirement:
        """Require the role on the folder of a job, collection or the like."""
        text = f"`{self.role}` on the folder of the {noun}"
        return RoleRequirement(field, text, self.role, FOLDER, noun)

    def on_study(self, field: str, condition: str = "") -> RoleRequirement:
        """Require the role on each folder with a part of a study; see `Permissions.roles`."""
        text = f"`{self.role}` on each folder that has a part of the study which the caller sees"
        return RoleRequirement(field, text + condition, self.role, FOLDER, "folder")

    def on_job(self, field: str) -> JobRequirement:
        """Require the role on the folder of a job of any kind, or to be its starter."""
        text = (
            f"`{self.role}` on the folder of the job; if it has none, to be the user who started "
            "it, or the site role `ADMIN`"
        )
        return JobRequirement(field, text, self.role, FOLDER, "job")

    def _on(
        self, type: ResourceType, field: str, name: str, optional: bool, receives: bool = False
    ) -> ObjectRequirement:
        description = f"`{self.role}` on {name}"
        if optional:
            description += f" if `{'.'.join(map(to_camel_case, field.split('.')))}` is given"
        return ObjectRequirement(field, description, self.role, type, type.noun, optional, receives)


VIEWER = Role(StorageUserRole.VIEWER)
USER = Role(StorageUserRole.USER)
ADMIN = Role(StorageUserRole.ADMIN)
