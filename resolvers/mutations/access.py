"""Mutation of the roles of groups and users on a folder, all at once."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from strawberry import UNSET

from gateway.auth.visibility import sees_user
from gateway.catalog.community_names import fixed_roles
from gateway.catalog.folders import lock_folder
from gateway.catalog.grants import (
    FOLDER_GRANTS,
    FOLDER_USERS,
    GrantRow,
    Grants,
    grant,
    grants_below,
    grants_of_holders,
    revoke,
)
from gateway.catalog.people import existing_users, lock_groups, visible_groups
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import role_is_fixed
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import FolderRecord
from resolvers.id_lists import check_list_size, listed_twice
from resolvers.inputs.access import SetStorageFolderAccessInput
from resolvers.inputs.choices import set_value
from resolvers.mutations.policies import NEEDS_PHI
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, IdentityRequirement

_SIDES = (("group", FOLDER_GRANTS), ("user", FOLDER_USERS))


@dataclass(frozen=True, slots=True)
class SetStorageFolderAccessOutcome(Outcome):
    """Outcome of `setStorageFolderAccess`."""

    folder_uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """The role that one holder shall have; `index` is its entry in the input."""

    index: int
    noun: str
    holder: UUID
    role: StorageUserRole | None
    sees_phi: bool | None

    @property
    def path(self) -> tuple[str | int, ...]:
        """The input field that names the holder."""
        return "access", self.index, "holder", f"{self.noun}Uuid"


@dataclass(frozen=True, slots=True)
class Side:
    """The wishes for groups, or those for users, and the grants that they have here and below."""

    noun: str
    grants: Grants
    wishes: list[Wish]
    here: list[GrantRow]
    below: list[GrantRow]


@requires(
    ADMIN.on_folder("folder_uuid"),
    IdentityRequirement(
        "access.sees_phi",
        "`ADMIN` with `seesPhi` on the folder if `seesPhi` is true for anyone",
        lambda value: value,
    ),
)
async def set_storage_folder_access(
    context: Context, input: SetStorageFolderAccessInput, permissions: Permissions
) -> SetStorageFolderAccessOutcome:
    """Set the roles of groups and users on a folder and everything below it, or take them away.

    All of it is done or, if one entry is refused, nothing. With `recursive`, the roles that they
    hold on folders below are taken away, so that the same role counts in the whole tree. Roles on
    folders above apply in any case.
    """
    check_list_size(input.access, "access")
    wishes = list(_wishes(input))
    folder_uuid = input.folder_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=input.recursive)
        await permissions.check(transaction)
        if any(wish.sees_phi for wish in wishes) and await permissions.check_identity(
            transaction, "access.sees_phi", [folder_uuid]
        ):
            first = next(wish.index for wish in wishes if wish.sees_phi)
            raise forbidden(NEEDS_PHI, "access", first, "seesPhi")
        top = await lock_folder(transaction, folder_uuid)
        await lock_groups(transaction, [each.holder for each in wishes if each.noun == "group"])
        sides = [
            await _read(transaction, noun, grants, top, wishes, recursive=input.recursive)
            for noun, grants in _SIDES
        ]
        if errors := await _errors(context, transaction, top, sides):
            raise DomainErrors([errors[index] for index in sorted(errors)])
        for side in sides:
            await _fulfil(context, transaction, top, side)
    return SetStorageFolderAccessOutcome(folder_uuid=folder_uuid)


def _wishes(input: SetStorageFolderAccessInput) -> Iterator[Wish]:
    first: dict[tuple[str, UUID], int] = {}
    for index, entry in enumerate(input.access):
        if entry.role is UNSET:
            message = "role is required. Pass null to take the role away."
            raise bad_input(message, "access", index, "role")
        group, user = set_value(entry.holder.group_uuid), set_value(entry.holder.user_uuid)
        holder = group or user
        assert holder  # exactly one of them is set
        wish = Wish(index, "group" if group else "user", holder, entry.role, entry.sees_phi)
        if first.setdefault((wish.noun, holder), index) != index:
            raise listed_twice(wish.noun, first[wish.noun, holder], *wish.path)
        yield wish


async def _read(
    transaction: Transaction,
    noun: str,
    grants: Grants,
    top: FolderRecord,
    wishes: list[Wish],
    *,
    recursive: bool,
) -> Side:
    mine = [wish for wish in wishes if wish.noun == noun]
    holders = [wish.holder for wish in mine]
    here = await grants_of_holders(transaction, grants, top.uuid, holders)
    below = await grants_below(transaction, grants, top, holders) if recursive else []
    return Side(noun, grants, mine, here, below)


async def _errors(
    context: Context, transaction: Transaction, top: FolderRecord, sides: list[Side]
) -> dict[int, DomainError]:
    """Return the errors of entries by index: unknown holders, and roles that do not change.

    Those who have a role there are known, in whatever directory.
    """
    fixed = await fixed_roles(transaction, top.uuid)
    errors: dict[int, DomainError] = {}
    for side in sides:
        uuids = [wish.holder for wish in side.wishes]
        known = {row.holder_uuid for row in [*side.here, *side.below]}
        if side.grants is FOLDER_GRANTS:
            known |= await visible_groups(transaction, context.viewer, uuids)
        else:
            known |= await existing_users(transaction, uuids, sees_user(context.viewer))
        for wish in side.wishes:
            if wish.holder not in known:
                errors[wish.index] = not_found(wish.noun, wish.holder, *wish.path)
            elif fixed.get(wish.holder, wish.role) is not wish.role:
                message = role_is_fixed(fixed[wish.holder])
                errors[wish.index] = conflict(message, "access", wish.index, "role")
    return errors


async def _fulfil(
    context: Context, transaction: Transaction, top: FolderRecord, side: Side
) -> None:
    """Give the roles that are wished for groups, or for users, and take others away."""
    viewer = context.viewer.user_uuid
    roles: dict[tuple[StorageUserRole, bool | None], list[UUID]] = defaultdict(list)
    gone = set()
    for wish in side.wishes:
        if wish.role is None:
            gone.add(wish.holder)
        else:
            roles[wish.role, wish.sees_phi].append(wish.holder)
    taken = [row for row in side.here if row.holder_uuid in gone]
    await revoke(transaction, viewer, side.grants, [*taken, *side.below])
    for (role, sees_phi), holders in roles.items():
        await grant(transaction, viewer, side.grants, top.uuid, holders, role, sees_phi)
