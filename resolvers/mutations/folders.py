"""How folders are changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.roles import roles_on_folders
from gateway.catalog.folders import (
    check_move,
    create_folder,
    delete_folders,
    grant_admin,
    locked_folders,
    move_folder,
    subtree_heights,
    subtree_rows,
    update_folders,
)
from gateway.catalog.ingestion.job_state import cancel_jobs_in
from gateway.catalog.integrations import lock_integration
from gateway.catalog.items import (
    delete_items,
    deletion_errors,
    folders_mirrored_below,
    locked_items_in,
    mirrored_folders,
)
from gateway.catalog.ledger.row_edits import locked_row
from gateway.catalog.rules.names import validate_description, validate_metadata, validate_name
from gateway.context import Context
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, bad_input, conflict
from gateway.kinds.enums import StorageFolderType, StorageUserRole
from gateway.models.datasets import datasets
from gateway.models.folders import FolderRecord
from resolvers.bulk import Bulk, EntryResult
from resolvers.idempotency import run_once
from resolvers.inputs.folders import (
    CreateStorageFolderInput,
    DeleteStorageFolderInput,
    MoveStorageFoldersInput,
    UpdateStorageFolderInput,
    UpdateStorageFoldersInput,
)
from resolvers.mutations.attributes import bulk_changes, changed_attributes
from resolvers.mutations.syncs import link_of
from resolvers.outcomes import Outcome
from resolvers.permissions import (
    check_list_size,
    folder_role_errors,
    require_folder_role,
    require_target_folder_role,
    requires,
)


@dataclass(frozen=True, slots=True)
class CreateStorageFolderOutcome(Outcome):
    """Outcome of `createStorageFolder`."""

    folder_uuid: UUID | None = None


@requires(
    "USER on the parent folder, nothing for a root; and USER on the cloud integration if there is one"
)
async def create_storage_folder(
    context: Context, input: CreateStorageFolderInput
) -> CreateStorageFolderOutcome:
    """Make a folder; who makes a root is its ADMIN (ENC-CLIENT-01, ENC-FOLDEROP-05)."""
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    metadata = validate_metadata(input.client_metadata, "clientMetadata")
    link = await link_of(context, input.cloud_sync) if input.cloud_sync else None
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        if input.parent_uuid:
            await require_target_folder_role(
                context, transaction, input.parent_uuid, StorageUserRole.USER, "parentUuid"
            )
        if link:
            await lock_integration(
                transaction, link.integration_uuid, "cloudSync", "integrationUuid"
            )

        async def work() -> dict[str, Any]:
            viewer = context.viewer.user_uuid
            made = await create_folder(
                transaction, viewer, name, description, metadata, input.parent_uuid, link
            )
            return {"folder": str(made)}

        done = await run_once(context, transaction, "createStorageFolder", input, work)
    return CreateStorageFolderOutcome(folder_uuid=UUID(done["folder"]))


@dataclass(frozen=True, slots=True)
class UpdateStorageFolderOutcome(Outcome):
    """Outcome of `updateStorageFolder`."""

    folder_uuid: UUID | None = None


@requires("USER on the folder")
async def update_storage_folder(
    context: Context, input: UpdateStorageFolderInput
) -> UpdateStorageFolderOutcome:
    """Change a folder's name, description or metadata; an empty change succeeds and changes nothing (SUB-037)."""
    async with context.database.writing() as transaction:
        await require_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid"
        )
        present = await locked_row(
            transaction, FolderRecord, input.folder_uuid, "folder", "folderUuid"
        )
        values = {present.uuid: changed_attributes(input, present)}
        await update_folders(transaction, context.viewer.user_uuid, values, {present.uuid: present})
    return UpdateStorageFolderOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class UpdateStorageFoldersOutcome(Outcome):
    """Outcome of `updateStorageFolders`."""

    results: list[EntryResult] | None = None


@requires("USER on each folder")
async def update_storage_folders(
    context: Context, input: UpdateStorageFoldersInput
) -> UpdateStorageFoldersOutcome:
    """Change several folders at once."""
    check_list_size(input.folders, "folders")
    uuids = [one.folder_uuid for one in input.folders]
    async with context.database.writing() as transaction:
        present = {row.uuid: row for row in await locked_folders(transaction, uuids)}
        errors = await folder_role_errors(
            context, transaction, uuids, StorageUserRole.USER, "folders"
        )
        bulk = Bulk(uuids, input.allow_partial, errors)
        values = bulk_changes(input.folders, present, bulk, "folders")
        accepted = {uuids[place]: values[place] for place in bulk.accepted}
        await update_folders(transaction, context.viewer.user_uuid, accepted, present)
    return UpdateStorageFoldersOutcome(results=bulk.results, user_errors=bulk.user_errors)


@dataclass(frozen=True, slots=True)
class MoveStorageFoldersOutcome(Outcome):
    """Outcome of `moveStorageFolders`."""

    new_parent_uuid: UUID | None = None
    results: list[EntryResult] | None = None


@requires("ADMIN on each folder and USER on the new parent")
async def move_storage_folders(
    context: Context, input: MoveStorageFoldersInput
) -> MoveStorageFoldersOutcome:
    """Hang folders, with all that lies below them, elsewhere (ENC-FOLDEROP-08)."""
    check_list_size(input.folder_uuids, "folderUuids")
    target = input.new_parent_uuid
    if target is strawberry.UNSET:
        raise bad_input("Say where to: a folder, or null for roots.", "newParentUuid")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        if target:
            await require_target_folder_role(
                context, transaction, target, StorageUserRole.USER, "newParentUuid"
            )
        errors = await folder_role_errors(
            context, transaction, input.folder_uuids, StorageUserRole.ADMIN, "folderUuids"
        )
        bulk = Bulk(input.folder_uuids, input.allow_partial, errors)
        await _check_moves(transaction, input, bulk)
        for uuid in bulk.accepted_uuids:
            await move_folder(transaction, context.viewer.user_uuid, uuid, target)
        if target is None:
            await _stay_admin(context, transaction, bulk.accepted_uuids)
    return MoveStorageFoldersOutcome(
        new_parent_uuid=target, results=bulk.results, user_errors=bulk.user_errors
    )


@dataclass(frozen=True, slots=True)
class DeleteStorageFolderOutcome(Outcome):
    """Outcome of `deleteStorageFolder`."""

    folder_uuid: UUID | None = None
    removed_folders_count: int | None = None
    removed_items_count: int | None = None


@requires("ADMIN on the folder")
async def delete_storage_folder(
    context: Context, input: DeleteStorageFolderInput
) -> DeleteStorageFolderOutcome:
    """Remove a folder, and with `recursive` all in it; its running jobs are cancelled (ENC-FOLDEROP-07)."""
    services, viewer = context.services, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await require_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.ADMIN, "folderUuid"
        )
        rows = await subtree_rows(transaction, input.folder_uuid)
        uuids = [row.uuid for row in rows]
        if not input.recursive and (len(rows) > 1 or await locked_items_in(transaction, uuids)):
            raise conflict(
                "The folder is not empty; recursive removes all that lies in it.", "recursive"
            )
        await cancel_jobs_in(transaction, services.queue, services.events, viewer, uuids)
        contents = await locked_items_in(transaction, uuids)
        await _refuse_contents(transaction, input, uuids, [item.uuid for item in contents])
        await delete_items(transaction, services.queue, viewer, contents)
        await _let_go_of_mirrors(transaction, uuids)
        await delete_folders(transaction, viewer, rows)
    return DeleteStorageFolderOutcome(
        folder_uuid=input.folder_uuid,
        removed_folders_count=len(rows),
        removed_items_count=len(contents),
    )


async def _check_moves(
    transaction: Transaction, input: MoveStorageFoldersInput, bulk: Bulk
) -> None:
    target = input.new_parent_uuid
    chosen = await locked_folders(transaction, [*bulk.uuids, target] if target else bulk.uuids)
    paths = {row.uuid: row.path for row in chosen}
    parts = {row.uuid for row in chosen if row.folder_type is StorageFolderType.SYNTHETIC}
    heights = await subtree_heights(transaction, bulk.uuids)
    mirrors = (
        set()
        if input.allow_mirror_dataset_changes
        else await folders_mirrored_below(transaction, bulk.uuids)
    )
    for place, uuid in enumerate(bulk.uuids):
        if place in bulk.errors:
            continue
        try:
            check_move(
                paths[uuid], heights[uuid], paths[target] if target else "", "folderUuids", place
            )
            if uuid in parts:
                raise conflict(
                    "This folder mirrors a part of what the folder above it mirrors.",
                    "folderUuids",
                    place,
                )
            if uuid in mirrors:
                message = "A dataset mirrors this folder or one below; allowMirrorDatasetChanges lets it be moved."
                raise conflict(message, "folderUuids", place)
        except DomainError as error:
            bulk.errors[place] = error


async def _stay_admin(context: Context, transaction: Transaction, uuids: Sequence[UUID]) -> None:
    """Who moves a folder out of the tree that made him its ADMIN stays it."""
    if context.viewer.is_site_admin:
        return
    held = await roles_on_folders(transaction.connection, context.viewer, uuids)
    for uuid in uuids:
        if uuid not in held or held[uuid].role is not StorageUserRole.ADMIN:
            await grant_admin(transaction, context.viewer.user_uuid, uuid)


async def _refuse_contents(
    transaction: Transaction,
    input: DeleteStorageFolderInput,
    uuids: Sequence[UUID],
    contents: Sequence[UUID],
) -> None:
    if not input.allow_mirror_dataset_changes and await mirrored_folders(transaction, uuids):
        message = (
            "A dataset mirrors this folder or one below; allowMirrorDatasetChanges lets it go."
        )
        raise conflict(message, "allowMirrorDatasetChanges")
    faults = await deletion_errors(
        transaction, contents, input.allow_dataset_changes, input.allow_mirror_dataset_changes
    )
    for uuid, message in faults.items():
        raise conflict(f"{message} The item is {uuid}.", "folderUuid")


async def _let_go_of_mirrors(transaction: Transaction, uuids: Sequence[UUID]) -> None:
    chosen = in_keys(datasets.c.backing_folder_uuid, uuids)
    await transaction.execute(sa.update(datasets).where(chosen).values(backing_folder_uuid=None))
