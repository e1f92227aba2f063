"""How items are changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.auth.roles import roles_on_items
from gateway.catalog.items import (
    dataset_uses,
    delete_items,
    deletion_errors,
    locked_items,
    move_items,
    unused_members,
    update_items,
)
from gateway.catalog.rules.metadata_types import load_metadata_validator
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, bad_input, conflict
from gateway.kinds.enums import StorageUserRole
from resolvers.bulk import Bulk, EntryResult
from resolvers.inputs.items import (
    DeleteStorageItemsInput,
    MoveStorageItemsInput,
    UpdateStorageItemInput,
    UpdateStorageItemsInput,
)
from resolvers.mutations.attributes import bulk_changes, changed_attributes, with_metadata_check
from resolvers.mutations.views import view_changes
from resolvers.outcomes import Outcome
from resolvers.permissions import (
    check_list_size,
    item_role_errors,
    require_target_folder_role,
    requires,
)


@dataclass(frozen=True, slots=True)
class UpdateStorageItemOutcome(Outcome):
    """Outcome of `updateStorageItem`."""

    item_uuid: UUID | None = None


@requires("USER on the item's folder")
async def update_storage_item(
    context: Context, input: UpdateStorageItemInput
) -> UpdateStorageItemOutcome:
    """Change an item's name, description or metadata; an empty change succeeds and changes nothing (ENC-ITEMOP-05)."""
    async with context.database.writing() as transaction:
        present = {row.uuid: row for row in await locked_items(transaction, [input.item_uuid])}
        errors = await item_role_errors(
            context, transaction, [input.item_uuid], StorageUserRole.USER, "itemUuid"
        )
        if errors:
            raise DomainError(errors[0].code, errors[0].message, ("itemUuid",))
        changed = with_metadata_check(
            await load_metadata_validator(transaction, context.services.settings), _changed
        )
        values = changed(input, present[input.item_uuid])
        await update_items(
            transaction, context.viewer.user_uuid, {input.item_uuid: values}, present
        )
    return UpdateStorageItemOutcome(item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class UpdateStorageItemsOutcome(Outcome):
    """Outcome of `updateStorageItems`."""

    results: list[EntryResult] | None = None


@requires("USER on each item's folder")
async def update_storage_items(
    context: Context, input: UpdateStorageItemsInput
) -> UpdateStorageItemsOutcome:
    """Change several items at once."""
    check_list_size(input.items, "items")
    uuids = [one.item_uuid for one in input.items]
    async with context.database.writing() as transaction:
        present = {row.uuid: row for row in await locked_items(transaction, uuids)}
        errors = await item_role_errors(context, transaction, uuids, StorageUserRole.USER, "items")
        bulk = Bulk(uuids, input.allow_partial, errors)
        changed = with_metadata_check(
            await load_metadata_validator(transaction, context.services.settings), _changed
        )
        values = bulk_changes(input.items, present, bulk, "items", changed)
        accepted = {bulk.uuids[place]: values[place] for place in bulk.accepted}
        await update_items(transaction, context.viewer.user_uuid, accepted, present)
    return UpdateStorageItemsOutcome(results=bulk.results, user_errors=bulk.user_errors)


@dataclass(frozen=True, slots=True)
class MoveStorageItemsOutcome(Outcome):
    """Outcome of `moveStorageItems`."""

    folder_uuid: UUID | None = None
    results: list[EntryResult] | None = None


@requires("ADMIN on each item's folder and USER on the new one")
async def move_storage_items(
    context: Context, input: MoveStorageItemsInput
) -> MoveStorageItemsOutcome:
    """Put items into another folder (ENC-ITEMOP-07, ENC-FOLDEROP-09)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_target_folder_role(
            context, transaction, input.new_parent_uuid, StorageUserRole.USER, "newParentUuid"
        )
        bulk, rows = await _chosen(context, transaction, input)
        moving = [uuid for uuid, row in rows.items() if row.folder_uuid != input.new_parent_uuid]
        mirrors = "This item mirrors an object of a bucket, as its folder does."
        _add(bulk, {uuid: mirrors for uuid in moving if rows[uuid].linked_folder_uuid})
        if not input.allow_mirror_dataset_changes:
            message = "A mirror dataset uses this item; allowMirrorDatasetChanges lets it be moved."
            uses = await dataset_uses(transaction, moving)
            _add(bulk, {uuid: message for uuid, kinds in uses.items() if True in kinds})
        accepted = [rows[uuid] for uuid in bulk.accepted_uuids]
        await move_items(transaction, context.viewer.user_uuid, accepted, input.new_parent_uuid)
    return MoveStorageItemsOutcome(
        folder_uuid=input.new_parent_uuid, results=bulk.results, user_errors=bulk.user_errors
    )


@dataclass(frozen=True, slots=True)
class DeleteStorageItemsOutcome(Outcome):
    """Outcome of `deleteStorageItems`."""

    removed_items_count: int | None = None
    removed_folders_count: int | None = None
    results: list[EntryResult] | None = None


@requires("ADMIN on each item's folder")
async def delete_storage_items(
    context: Context, input: DeleteStorageItemsInput
) -> DeleteStorageItemsOutcome:
    """Remove items, and the frames of removed groups that nothing else uses (ENC-ITEMOP-06, ENC-FOLDEROP-10)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        bulk, rows = await _chosen(context, transaction, input)
        faults = await deletion_errors(
            transaction, list(rows), input.allow_dataset_changes, input.allow_mirror_dataset_changes
        )
        _add(bulk, faults)
        accepted = bulk.accepted_uuids
        frames = (
            await _unused_frames(context, transaction, accepted, input)
            if input.remove_unused_frames
            else []
        )
        removed = {row.uuid: row for row in [*(rows[uuid] for uuid in accepted), *frames]}
        await delete_items(
            transaction, context.services.queue, context.viewer.user_uuid, list(removed.values())
        )
    return DeleteStorageItemsOutcome(
        removed_items_count=len(removed),
        removed_folders_count=0,
        results=bulk.results,
        user_errors=bulk.user_errors,
    )


def _changed(input: UpdateStorageItemInput, present: Any, *path: str | int) -> dict[str, Any]:
    return changed_attributes(input, present, *path) | view_changes(input, present, *path)


async def _chosen(
    context: Context, transaction: Transaction, input: Any
) -> tuple[Bulk, dict[UUID, Any]]:
    """The entries of a move or removal with what is wrong with them, and the rows of those without fault."""
    uuids = input.item_uuids
    found = {row.uuid: row for row in await locked_items(transaction, uuids)}
    errors = await item_role_errors(context, transaction, uuids, StorageUserRole.ADMIN, "itemUuids")
    for place, uuid in enumerate(uuids):
        if (
            place not in errors
            and input.folder_uuid
            and found[uuid].folder_uuid != input.folder_uuid
        ):
            errors[place] = bad_input(
                "This item does not lie directly in that folder.", "itemUuids", place
            )
    rows = {uuid: found[uuid] for place, uuid in enumerate(uuids) if place not in errors}
    return Bulk(uuids, input.allow_partial, errors), rows


def _add(bulk: Bulk, faults: Mapping[UUID, str]) -> None:
    for place, uuid in enumerate(bulk.uuids):
        if uuid in faults and place not in bulk.errors:
            bulk.errors[place] = conflict(faults[uuid], "itemUuids", place)


async def _unused_frames(
    context: Context,
    transaction: Transaction,
    uuids: Sequence[UUID],
    input: DeleteStorageItemsInput,
) -> list[Any]:
    """The frames that may go with their groups: unused elsewhere, and under the viewer's own administration."""
    rows = await unused_members(transaction, uuids, input.allow_mirror_dataset_changes)
    held = await roles_on_items(transaction.connection, context.viewer, [row.uuid for row in rows])
    return [
        row for row in rows if row.uuid in held and held[row.uuid].role is StorageUserRole.ADMIN
    ]
