"""Mutations that create, change, delete, join and leave communities."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.communities import create_community, lock_with_root, remove_community
from gateway.catalog.community_names import has_outer_spaces, lock_names, name_is_taken
from gateway.catalog.deletion import start_deletion, tree_size
from gateway.catalog.folders import set_visibility, update_folders
from gateway.catalog.kept_items import kept_count
from gateway.catalog.ledger.row_edits import update_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import ADMIN_REQUIRED, not_null
from gateway.errors import bad_input, forbidden, not_found
from gateway.ids import uuid7
from gateway.kinds.enums import FolderVisibility, JoinPolicy
from gateway.models.base import fold
from gateway.models.communities import CommunityRecord
from resolvers.inputs.communities import DeleteCommunityInput, UpsertCommunityInput
from resolvers.mutations.folder_deletion import check_deletion
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires, requires_unlimited
from resolvers.requirements import ADMIN


@dataclass(frozen=True, slots=True)
class UpsertCommunityOutcome(Outcome):
    """Outcome of `upsertCommunity`."""

    community_uuid: UUID | None = None
    is_new: bool | None = None


@requires_unlimited
@requires(ADMIN.on_community_or("uuid", "the site role `ADMIN` to create one"))
async def upsert_community(
    context: Context, input: UpsertCommunityInput, permissions: Permissions
) -> UpsertCommunityOutcome:
    """Create a community, or change one.

    A community is a root folder, with its name, description and visibility, and three groups:
    admins, moderators and members, with the roles `ADMIN`, `USER` and `VIEWER` on the folder. Its
    creator becomes the first admin. If there is a community with the UUID, the fields that are
    given are changed, and nothing else. Fails with `CONFLICT` if another community has the name.
    """
    values = _values(input)
    viewer = context.viewer
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        roles = await permissions.roles(transaction, "uuid", [input.uuid] if input.uuid else [])
        if input.uuid and input.uuid in roles:
            roles.require(input.uuid, "uuid")
            await _change(transaction, viewer.user_uuid, input.uuid, values)
            return UpsertCommunityOutcome(community_uuid=input.uuid, is_new=False)
        if not viewer.administers_site:
            raise (
                not_found("community", input.uuid, "uuid")
                if input.uuid
                else forbidden(ADMIN_REQUIRED)
            )
        if "name" not in values:
            raise bad_input("A new community needs a name.", "name")
        if fold(values["name"]) in await lock_names(transaction):
            raise name_is_taken("name")
        uuid = input.uuid or uuid7()
        await create_community(
            transaction,
            viewer.user_uuid,
            uuid,
            values["name"],
            values.get("description", ""),
            values.get("visibility", FolderVisibility.PRIVATE),
            values.get("join_policy", JoinPolicy.INVITATION),
            masks_root=context.services.settings.mask_new_roots,
        )
    return UpsertCommunityOutcome(community_uuid=uuid, is_new=True)


@dataclass(frozen=True, slots=True)
class DeleteCommunityOutcome(Outcome):
    """Outcome of `deleteCommunity`."""

    community_uuid: UUID | None = None
    removed_folders_count: int | None = None
    removed_items_count: int | None = None
    job_uuid: UUID | None = None


@requires_unlimited
@requires(ADMIN.on_community("community_uuid"))
async def delete_community(
    context: Context, input: DeleteCommunityInput, permissions: Permissions
) -> DeleteCommunityOutcome:
    """Delete a community with its groups and its root folder.

    With `recursive`, everything in the folder and below it is deleted as by `deleteStorageFolder`,
    and refused for the same reasons.
    """
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await permissions.check(transaction)
        uuid = input.community_uuid
        community, top = await lock_with_root(transaction, uuid, "communityUuid")
        await check_deletion(transaction, context.viewer, input, top, "communityUuid")
        size = await tree_size(transaction, top)
        deletes_shared = input.delete_shared_items
        kept = 0 if deletes_shared else await kept_count(transaction, top)
        await remove_community(transaction, viewer, community)
        job = await start_deletion(
            transaction, queue, viewer, top, size, deletes_shared=deletes_shared
        )
    return DeleteCommunityOutcome(
        community_uuid=input.community_uuid,
        removed_folders_count=size.folders,
        removed_items_count=size.items - kept,
        job_uuid=job,
    )


def _values(input: UpsertCommunityInput) -> dict[str, Any]:
    """Return the validated values that are given, by attribute."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
        if error := has_outer_spaces(values["name"], "name"):
            raise error
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    for attribute, field in (("visibility", "visibility"), ("join_policy", "joinPolicy")):
        value = getattr(input, attribute)
        if value is None:
            raise bad_input(not_null(field), field)
        if value is not UNSET:
            values[attribute] = value
    return values


async def _change(
    transaction: Transaction, user_uuid: UUID, uuid: UUID, values: dict[str, Any]
) -> None:
    community, root = await lock_with_root(transaction, uuid, "uuid")
    if "name" in values:
        taken = await lock_names(transaction)
        if taken.get(fold(values["name"]), root.uuid) != root.uuid:
            raise name_is_taken("name")
    of_folder = {name: value for name, value in values.items() if name in ("name", "description")}
    await update_folders(transaction, user_uuid, {root.uuid: of_folder}, {root.uuid: root})
    if "visibility" in values:
        await set_visibility(transaction, user_uuid, root, values["visibility"])
    own = {name: value for name, value in values.items() if name == "join_policy"}
    await update_row(
        transaction,
        user_uuid,
        CommunityRecord,
        "Community",
        community,
        own,
        folder_uuid=root.uuid,
    )
