"""Mutations that create, update, move and delete folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NotRequired, TypedDict
from uuid import UUID

import strawberry

from gateway.auth.identity import (
    folders_with_masked_below,
    folders_with_phi_grant,
    masked_trees,
)
from gateway.auth.roles import roles_on_folders
from gateway.catalog.community_names import communities_at
from gateway.catalog.deletion import start_deletion, tree_size
from gateway.catalog.folders import (
    check_move,
    create_folder,
    grant_admin,
    lock_folder,
    lock_folders,
    move_folder,
    subtree_heights,
    update_folders,
)
from gateway.catalog.integrations import lock_integration
from gateway.catalog.items import folders_mirrored_below
from gateway.catalog.kept_items import kept_count
from gateway.catalog.ledger.row_edits import lock_row
from gateway.catalog.rules.names import validate_description, validate_metadata, validate_name
from gateway.catalog.taken_names import WantedName, choose_names, lock_home
from gateway.catalog.visibilities import folders_published_in
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import leaves_masked_tree, not_both, published
from gateway.errors import DomainError, bad_input, conflict, forbidden
from gateway.kinds.enums import IfNameTaken, NameOutcome, StorageFolderType, StorageUserRole
from gateway.models.folders import FolderRecord
from resolvers.bulk import Bulk, EntryResult
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.folders import (
    CreateStorageFolderInput,
    DeleteStorageFolderInput,
    MoveStorageFoldersInput,
    UpdateStorageFolderInput,
    UpdateStorageFoldersInput,
)
from resolvers.mutations.attributes import bulk_changes
from resolvers.mutations.community_roots import community_errors
from resolvers.mutations.folder_deletion import check_deletion, tree_is_mirrored
from resolvers.mutations.moved_names import check_moving_rule, moved_names
from resolvers.mutations.owners import on_owner, owner_errors
from resolvers.mutations.policies import lock_for_policies, on_policy, policy_errors
from resolvers.mutations.sync_rules import folder_changes
from resolvers.mutations.syncs import check_link
from resolvers.mutations.visibility import check_new_visibility
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER


@dataclass(frozen=True, slots=True)
class CreateStorageFolderOutcome(Outcome):
    """Outcome of `createStorageFolder`."""

    folder_uuid: UUID | None = None
    name_outcome: NameOutcome | None = None


class StoredFolder(TypedDict):
    """UUID of a created folder, under an idempotency key; earlier releases stored no outcome."""

    folder: str
    name_outcome: NotRequired[str]


@requires(
    USER.on_receiving_folder("parent_uuid", "the parent folder", optional=True),
    USER.on_integration("cloud_sync.integration_uuid", optional=True),
)
async def create_storage_folder(
    context: Context, input: CreateStorageFolderInput, permissions: Permissions
) -> CreateStorageFolderOutcome:
    """Create a folder below another one, or a root folder, of which the viewer becomes `ADMIN`.

    With `cloudSync` the folder mirrors a bucket or a prefix of one. The bucket is listed first; if
    that fails, the store's error is returned at `cloudSync.remoteUrl`. The folder stays empty until
    `startCloudFolderSync` is called.
    """
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    metadata = validate_metadata(input.client_metadata, "clientMetadata")
    rule = input.if_name_taken
    if input.cloud_sync and rule is IfNameTaken.REUSE:
        raise bad_input(not_both("cloudSync", "ifNameTaken: REUSE"), "ifNameTaken")
    link = await check_link(context, input.cloud_sync, permissions) if input.cloud_sync else None
    async with context.database.writing() as transaction:
        await lock_home(transaction, input.parent_uuid, rule)
        await permissions.check(transaction, "parent_uuid")
        await check_new_visibility(transaction, context.viewer, input)
        if link:
            at = "cloudSync", "integrationUuid"
            await lock_integration(transaction, link.integration_uuid, *at)

        async def create() -> StoredFolder:
            wanted = WantedName(input.parent_uuid, name, is_folder=True, path=("name",))
            [choice] = await choose_names(transaction, context.viewer, [wanted], rule)
            if choice.error:
                raise choice.error
            outcome = choice.outcome.value
            if choice.folder:
                return {"folder": str(choice.folder.uuid), "name_outcome": outcome}
            uuid = await create_folder(
                transaction,
                context.viewer.user_uuid,
                choice.name,
                description,
                metadata,
                input.parent_uuid,
                link,
                masks_root=context.services.settings.mask_new_roots,
                visibility=input.visibility,
            )
            return {"folder": str(uuid), "name_outcome": outcome}

        stored = await run_once(context, transaction, "createStorageFolder", input, create)
    outcome = NameOutcome(stored.get("name_outcome", NameOutcome.AS_GIVEN))
    return CreateStorageFolderOutcome(folder_uuid=UUID(stored["folder"]), name_outcome=outcome)


@dataclass(frozen=True, slots=True)
class UpdateStorageFolderOutcome(Outcome):
    """Outcome of `updateStorageFolder`."""

    folder_uuid: UUID | None = None


@requires(USER.on_folder("folder_uuid"), on_policy("phi_policy"), on_owner("owner_uuid"))
async def update_storage_folder(
    context: Context, input: UpdateStorageFolderInput, permissions: Permissions
) -> UpdateStorageFolderOutcome:
    """Change a folder's name, description, metadata, owner or policy, or which objects it mirrors.

    Omitted fields are not changed. Items of objects that are no longer mirrored stay as they are. A
    folder below a masked one cannot be `OPEN` (`CONFLICT`). The unique name and the description of
    a community's root folder are the community's: only its admins change them.
    """
    uuid, viewer = input.folder_uuid, context.viewer
    async with context.database.writing() as transaction:
        await lock_for_policies(transaction, [input])
        await permissions.check(transaction)
        folder = await lock_row(transaction, FolderRecord, uuid, "folder", "folderUuid")
        errors = {
            **await community_errors(context, transaction, [input], rows := {uuid: folder}),
            **await owner_errors(context, transaction, permissions, "owner_uuid", [input], rows),
            **await policy_errors(transaction, permissions, "phi_policy", [input], rows),
        }
        if errors:
            raise errors[0]
        values = {uuid: folder_changes(viewer, input, folder)}
        await update_folders(transaction, viewer.user_uuid, values, rows)
    return UpdateStorageFolderOutcome(folder_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateStorageFoldersOutcome(Outcome):
    """Outcome of `updateStorageFolders`."""

    results: list[EntryResult] | None = None


@requires(
    USER.on_each_folder("folders.folder_uuid"),
    on_policy("folders.phi_policy"),
    on_owner("folders.owner_uuid"),
)
async def update_storage_folders(
    context: Context, input: UpdateStorageFoldersInput, permissions: Permissions
) -> UpdateStorageFoldersOutcome:
    """Change 1 to 1,000 folders, each as `updateStorageFolder` does.

    If one of them is rejected, none is changed unless `allowPartial` is set.
    """
    check_list_size(input.folders, "folders")
    uuids = [entry.folder_uuid for entry in input.folders]
    async with context.database.writing() as transaction:
        await lock_for_policies(transaction, input.folders)
        rows = {row.uuid: row for row in await lock_folders(transaction, uuids)}
        errors = await permissions.errors(transaction, "folders.folder_uuid")
        errors = {
            **await community_errors(context, transaction, input.folders, rows, "folders"),
            **await owner_errors(
                context,
                transaction,
                permissions,
                "folders.owner_uuid",
                input.folders,
                rows,
                "folders",
            ),
            **await policy_errors(
                transaction, permissions, "folders.phi_policy", input.folders, rows, "folders"
            ),
            **errors,
        }
        bulk = Bulk(uuids, input.allow_partial, errors)
        changes = partial(folder_changes, context.viewer)
        values = bulk_changes(input.folders, rows, bulk, "folders", changes)
        accepted = {uuids[index]: values[index] for index in bulk.accepted}
        await update_folders(transaction, context.viewer.user_uuid, accepted, rows)
    return UpdateStorageFoldersOutcome(results=bulk.results, user_errors=bulk.user_errors)


@dataclass(frozen=True, slots=True)
class MoveStorageFoldersOutcome(Outcome):
    """Outcome of `moveStorageFolders`."""

    new_parent_uuid: UUID | None = None
    renamed_uuids: list[UUID] | None = None
    results: list[EntryResult] | None = None


@requires(
    ADMIN.on_each_folder("folder_uuids"),
    USER.on_receiving_folder("new_parent_uuid", "the new parent folder", optional=True),
)
async def move_storage_folders(
    context: Context, input: MoveStorageFoldersInput, permissions: Permissions
) -> MoveStorageFoldersOutcome:
    """Move 1 to 1,000 folders, with everything below them, into another folder or to the root.

    A folder cannot be moved into itself or one of its subfolders (`BAD_USER_INPUT`), and subfolders
    of a cloud-synced folder and root folders of communities cannot be moved at all (`CONFLICT`).
    Folders that a dataset mirrors, or that have such a folder below them, require
    `allowMirrorDatasetChanges` (`CONFLICT`). Folders that would become public require `allowPublic`
    (`CONFLICT`); those that have a visibility of their own keep it. Folders that are masked, or
    have a masked folder below them, require `seesPhi` there unless they stay in the masked tree
    (`FORBIDDEN`); at the root they stay masked. The viewer remains `ADMIN` of a folder that is
    moved to the root. If one folder cannot be moved, none is moved unless `allowPartial` is set.
    """
    check_list_size(input.folder_uuids, "folderUuids")
    target, viewer = input.new_parent_uuid, context.viewer.user_uuid
    if target is strawberry.UNSET:
        message = "newParentUuid is required. Pass null to move the folders to the root."
        raise bad_input(message, "newParentUuid")
    rule = input.if_name_taken
    check_moving_rule(rule)
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await permissions.check(transaction)
        errors = await permissions.errors(transaction, "folder_uuids")
        bulk = Bulk(input.folder_uuids, input.allow_partial, errors)
        await _check_moves(transaction, input, bulk)
        await _keep_in_masked_trees(context, transaction, input, bulk)
        rows = {row.uuid: row for row in await lock_folders(transaction, bulk.uuids)}
        moving = {uuid: row for uuid, row in rows.items() if row.parent_uuid != target}
        names = await moved_names(
            context, transaction, rule, target, bulk, moving, "folderUuids", are_folders=True
        )
        renamed = {uuid: {"name": names[uuid]} for uuid in bulk.accepted_uuids if uuid in names}
        await update_folders(transaction, viewer, renamed, rows)
        for uuid in bulk.accepted_uuids:
            await move_folder(transaction, viewer, uuid, target)
        if target is None and not context.viewer.administers_site:
            await _keep_admin(context, transaction, bulk.accepted_uuids)
    return MoveStorageFoldersOutcome(
        new_parent_uuid=target,
        renamed_uuids=list(renamed),
        results=bulk.results,
        user_errors=bulk.user_errors,
    )


@dataclass(frozen=True, slots=True)
class DeleteStorageFolderOutcome(Outcome):
    """Outcome of `deleteStorageFolder`."""

    folder_uuid: UUID | None = None
    removed_folders_count: int | None = None
    removed_items_count: int | None = None
    job_uuid: UUID | None = None


@requires(ADMIN.on_folder("folder_uuid"))
async def delete_storage_folder(
    context: Context, input: DeleteStorageFolderInput, permissions: Permissions
) -> DeleteStorageFolderOutcome:
    """Delete a folder, and with `recursive` everything in it and below it.

    All of it is gone at once for everyone, however much it is; `job` removes the rows and bytes in
    the background and cannot be cancelled. Upload jobs and syncs that run there end, and
    collections and filter presets that belong to the folders are deleted. Fails with `CONFLICT` if
    the folder is not empty and `recursive` is not set, if datasets use items and
    `allowDatasetChanges` is not set, or if items or folders are those of mirror datasets and
    `allowMirrorDatasetChanges` is not set. Datasets that mirror a deleted folder are kept, but no
    longer mirror anything. The root folder of a community cannot be deleted: use `deleteCommunity`.

    Items that are also shared into folders elsewhere are kept, unless `deleteSharedItems` is set:
    each comes to the earliest of these, as `keptItems` of the job says. Without `seesPhi` in a
    masked folder, none can leave it so (`FORBIDDEN`).
    """
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await permissions.check(transaction)
        top = await lock_folder(transaction, input.folder_uuid)
        if await communities_at(transaction, [top.uuid]):
            message = "The folder is the root of a community. Use deleteCommunity."
            raise conflict(message, "folderUuid")
        await check_deletion(transaction, context.viewer, input, top, "folderUuid")
        size = await tree_size(transaction, top)
        deletes_shared = input.delete_shared_items
        kept = 0 if deletes_shared else await kept_count(transaction, top)
        queue = context.services.queue
        job = await start_deletion(
            transaction, queue, viewer, top, size, deletes_shared=deletes_shared
        )
    return DeleteStorageFolderOutcome(
        folder_uuid=input.folder_uuid,
        removed_folders_count=size.folders,
        removed_items_count=size.items - kept,
        job_uuid=job,
    )


async def _check_moves(
    transaction: Transaction, input: MoveStorageFoldersInput, bulk: Bulk
) -> None:
    """Add an error to each entry that cannot move to the new parent."""
    target = input.new_parent_uuid
    rows = await lock_folders(transaction, [*bulk.uuids, target] if target else bulk.uuids)
    known = {row.uuid: row for row in rows}
    paths = {row.uuid: row.path for row in rows}
    parent = known[target] if target else None
    exposed = (
        set() if input.allow_public else await folders_published_in(transaction, bulk.uuids, parent)
    )
    synthetic = {row.uuid for row in rows if row.folder_type is StorageFolderType.SYNTHETIC}
    heights = await subtree_heights(transaction, bulk.uuids)
    communities = await communities_at(transaction, bulk.uuids)
    mirrored = (
        set()
        if input.allow_mirror_dataset_changes
        else await folders_mirrored_below(transaction, bulk.uuids)
    )
    target_path = paths[target] if target else ""
    for index, uuid in enumerate(bulk.uuids):
        if index in bulk.errors:
            continue
        path = ("folderUuids", index)
        try:
            check_move(paths[uuid], heights[uuid], target_path, *path)
            if uuid in synthetic:
                message = (
                    "The folder is a subfolder of a cloud-synced folder, so it cannot be moved."
                )
                raise conflict(message, *path)
            if uuid in communities:
                raise conflict(
                    "The folder is the root of a community, so it cannot be moved.", *path
                )
            if uuid in mirrored:
                raise conflict(tree_is_mirrored("move"), *path)
            if uuid in exposed:
                raise conflict(published("folder"), *path)
        except DomainError as error:
            bulk.errors[index] = error


async def _keep_in_masked_trees(
    context: Context, transaction: Transaction, input: MoveStorageFoldersInput, bulk: Bulk
) -> None:
    """Add an error to each entry with something that would leave a tree masked to the viewer."""
    connection, target = transaction.connection, input.new_parent_uuid
    hidden = await folders_with_masked_below(connection, context.viewer, bulk.uuids)
    folders = {*hidden, *([target] if target else [])}
    trees = await masked_trees(connection, context.viewer, folders) if hidden else {}
    tree = trees.get(target) if target else None
    for index, uuid in enumerate(bulk.uuids):
        stays = tree is not None and trees.get(uuid) == tree
        if index not in bulk.errors and uuid in hidden and not stays:
            bulk.errors[index] = forbidden(leaves_masked_tree("folder"), "folderUuids", index)


async def _keep_admin(context: Context, transaction: Transaction, uuids: Sequence[UUID]) -> None:
    """Grant the viewer ADMIN on the roots that they were ADMIN of through a folder above.

    They see identities there, as if they had created them: nothing in them is masked to them.
    """
    roles = await roles_on_folders(transaction.connection, context.viewer, uuids)
    with_phi = await folders_with_phi_grant(transaction.connection, context.viewer, uuids)
    for uuid in uuids:
        is_admin = uuid in roles and roles[uuid].role is StorageUserRole.ADMIN
        if not is_admin or uuid not in with_phi:
            await grant_admin(transaction, context.viewer.user_uuid, uuid)
