"""Mutations that update, move and delete items."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.catalog.group_deletion import (
    have_many_members,
    removable_frames,
    start_group_deletion,
)
from gateway.catalog.items import (
    dataset_uses,
    delete_items,
    deletion_errors,
    lock_items,
    move_items,
    update_items,
)
from gateway.catalog.ledger.shares import COPIED
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.sharing import move_shares
from gateway.catalog.taken_names import lock_home
from gateway.catalog.visibilities import items_published_in
from gateway.context import Context
from gateway.error_texts import published, used_by
from gateway.kinds.enums import FrameRule
from gateway.models.items import ItemRecord
from resolvers.bulk import Bulk, EntryResult
from resolvers.global_ids import MAX_DELETED_IDS
from resolvers.id_lists import check_list_size
from resolvers.inputs.items import (
    DeleteStorageItemsInput,
    MoveStorageItemsInput,
    UpdateStorageItemInput,
    UpdateStorageItemsInput,
)
from resolvers.mutations.attributes import attribute_changes, bulk_changes, with_metadata_check
from resolvers.mutations.item_entries import (
    keep_in_masked_trees,
    lock_entries,
    placed_in,
    refuse,
)
from resolvers.mutations.moved_names import check_moving_rule, moved_names
from resolvers.mutations.views import view_changes
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER, VIEWER

EDITED = (
    "uuid",
    "folder_uuid",
    "item_type",
    "is_placeholder",
    "is_tombstone",
    "name",
    "description",
    "client_metadata",
    "time_series",
    "time_series_settings",
    "scene_view_settings",
    "scene_layout",
)
"""The columns that an update of an item reads or writes."""
LEAVING_HOME = (
    "uuid",
    "folder_uuid",
    "item_type",
    "name",
    "client_metadata",
    "is_tombstone",
    "is_placeholder",
    "is_shared",
    "object_key",
    "url",
    "file_size",
    "file_count",
    "older_size",
    "dicom_instance_uid",
    "dicom_study_uid",
    "linked_folder_uuid",
)
"""The columns that the deletion of an item reads, or its move to another home."""
MOVED = tuple(dict.fromkeys((*LEAVING_HOME, *COPIED)))
"""The columns that the move of an item or of its share reads."""


@dataclass(frozen=True, slots=True)
class UpdateStorageItemOutcome(Outcome):
    """Outcome of `updateStorageItem`."""

    item_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def update_storage_item(
    context: Context, input: UpdateStorageItemInput, permissions: Permissions
) -> UpdateStorageItemOutcome:
    """Change an item's name, description, metadata or view settings.

    Omitted fields are not changed. If the metadata schema is enforced, metadata must match it
    (`BAD_USER_INPUT`).
    """
    uuid, viewer = input.item_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        rows = {row.uuid: row for row in await lock_items(transaction, [uuid], EDITED)}
        await permissions.check(transaction)
        metadata = await load_metadata_validator(transaction, context.services.settings)
        values = with_metadata_check(metadata, _item_changes)(input, rows[uuid])
        await update_items(transaction, viewer, {uuid: values}, rows)
    return UpdateStorageItemOutcome(item_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateStorageItemsOutcome(Outcome):
    """Outcome of `updateStorageItems`."""

    results: list[EntryResult] | None = None


@requires(USER.on_each_item("items.item_uuid"))
async def update_storage_items(
    context: Context, input: UpdateStorageItemsInput, permissions: Permissions
) -> UpdateStorageItemsOutcome:
    """Change 1 to 1,000 items, each as `updateStorageItem` does.

    If one of them is rejected, none is changed unless `allowPartial` is set.
    """
    check_list_size(input.items, "items")
    uuids = [entry.item_uuid for entry in input.items]
    async with context.database.writing() as transaction:
        rows = {row.uuid: row for row in await lock_items(transaction, uuids, EDITED)}
        errors = await permissions.errors(transaction, "items.item_uuid")
        bulk = Bulk(uuids, input.allow_partial, errors)
        metadata = await load_metadata_validator(transaction, context.services.settings)
        changes = with_metadata_check(metadata, _item_changes)
        values = bulk_changes(input.items, rows, bulk, "items", changes)
        accepted = {bulk.uuids[index]: values[index] for index in bulk.accepted}
        await update_items(transaction, context.viewer.user_uuid, accepted, rows)
    return UpdateStorageItemsOutcome(results=bulk.results, user_errors=bulk.user_errors)


@dataclass(frozen=True, slots=True)
class MoveStorageItemsOutcome(Outcome):
    """Outcome of `moveStorageItems`."""

    folder_uuid: UUID | None = None
    renamed_uuids: list[UUID] | None = None
    results: list[EntryResult] | None = None


@requires(
    ADMIN.on_each_item("item_uuids"),
    USER.on_receiving_folder("new_parent_uuid", "the new folder"),
    VIEWER.on_folder("from_folder_uuid", "the folder to move out of", optional=True),
)
async def move_storage_items(
    context: Context, input: MoveStorageItemsInput, permissions: Permissions
) -> MoveStorageItemsOutcome:
    """Move 1 to 1,000 items into another folder.

    Fails with `CONFLICT` for items that mirror objects of a bucket, and for items that a mirror
    dataset uses unless `allowMirrorDatasetChanges` is set, and for items that would become public
    unless `allowPublic` is set. Without `seesPhi` in the folder of an item, it can be moved only
    within its masked tree (`FORBIDDEN`). If one item is rejected, none is moved unless
    `allowPartial` is set.
    """
    check_list_size(input.item_uuids, "itemUuids")
    target, rule = input.new_parent_uuid, input.if_name_taken
    check_moving_rule(rule)
    async with context.database.writing() as transaction:
        await lock_home(transaction, target, rule)
        await permissions.check(transaction)
        bulk, rows = await lock_entries(transaction, input, permissions, input.folder_uuid, MOVED)
        placed = await placed_in(transaction, input.from_folder_uuid, bulk, rows)
        moving = {
            uuid: row
            for uuid, row in rows.items()
            if row.folder_uuid != target and uuid not in placed
        }
        await keep_in_masked_trees(context, transaction, target, bulk, rows)
        message = "The item is in a cloud-synced folder, so it cannot be moved."
        refuse(bulk, {uuid: message for uuid in moving if rows[uuid].linked_folder_uuid})
        if not input.allow_mirror_dataset_changes:
            message = used_by("item", "a mirror dataset", "allowMirrorDatasetChanges", "move")
            uses = await dataset_uses(transaction, list(moving))
            refuse(bulk, {uuid: message for uuid, kinds in uses.items() if True in kinds})
        if not input.allow_public:
            exposed = await items_published_in(transaction, [*moving, *placed], target)
            refuse(bulk, dict.fromkeys(exposed, published("item")))
        names = await moved_names(
            context, transaction, rule, target, bulk, moving, "itemUuids", are_folders=False
        )
        renamed = {uuid: {"name": names[uuid]} for uuid in bulk.accepted_uuids if uuid in names}
        user_uuid = context.viewer.user_uuid
        await update_items(transaction, user_uuid, renamed, rows)
        shared = [rows[uuid] for uuid in bulk.accepted_uuids if uuid in placed]
        await move_shares(transaction, user_uuid, shared, input.from_folder_uuid, target)
        at_home = [rows[uuid] for uuid in bulk.accepted_uuids if uuid not in placed]
        await move_items(transaction, user_uuid, at_home, target)
    return MoveStorageItemsOutcome(
        folder_uuid=target,
        renamed_uuids=list(renamed),
        results=bulk.results,
        user_errors=bulk.user_errors,
    )


@dataclass(frozen=True, slots=True)
class DeleteStorageItemsOutcome(Outcome):
    """Outcome of `deleteStorageItems`."""

    removed_items_count: int | None = None
    deleted_uuids: list[UUID] | None = None
    results: list[EntryResult] | None = None
    job_uuid: UUID | None = None


@requires(ADMIN.on_each_item("item_uuids"))
async def delete_storage_items(
    context: Context, input: DeleteStorageItemsInput, permissions: Permissions
) -> DeleteStorageItemsOutcome:
    """Delete 1 to 1,000 items, and the bytes that no other item needs.

    With `removeUnusedFrames`, frames of the deleted groups are deleted as well if nothing else uses
    them and the viewer has `ADMIN` on their folder. Fails with `CONFLICT` for items that are
    members of groups, and for items that datasets use unless `allowDatasetChanges`, or
    `allowMirrorDatasetChanges` for mirror datasets, is set. If one item is rejected, none is
    deleted unless `allowPartial` is set.

    If the items have more than 1,000 members together, they are gone at once, and a job (`job`)
    removes their rows, and deletes the unused frames a few at a time: these are not counted here.
    """
    check_list_size(input.item_uuids, "itemUuids")
    queue, user_uuid = context.services.queue, context.viewer.user_uuid
    rule = FrameRule.KEEP
    if input.remove_unused_frames:
        mirrored = input.allow_mirror_dataset_changes
        rule = FrameRule.DELETE_MIRRORED if mirrored else FrameRule.DELETE
    job_uuid = None
    async with context.database.writing() as transaction:
        bulk, rows = await lock_entries(
            transaction, input, permissions, input.folder_uuid, LEAVING_HOME
        )
        messages = await deletion_errors(
            transaction, list(rows), input.allow_dataset_changes, input.allow_mirror_dataset_changes
        )
        refuse(bulk, messages)
        accepted = bulk.accepted_uuids
        removed = {uuid: rows[uuid] for uuid in accepted}
        if await have_many_members(transaction, accepted):
            gone = list(removed.values())
            job_uuid = await start_group_deletion(transaction, queue, context.viewer, gone, rule)
        else:
            frames = await removable_frames(transaction, context.viewer, accepted, rule)
            removed |= {frame.uuid: frame for frame in frames}
            await delete_items(transaction, queue, user_uuid, list(removed.values()))
    return DeleteStorageItemsOutcome(
        removed_items_count=len(removed),
        deleted_uuids=list(removed)[:MAX_DELETED_IDS],
        results=bulk.results,
        job_uuid=job_uuid,
        user_errors=bulk.user_errors,
    )


def _item_changes(
    input: UpdateStorageItemInput, item: ItemRecord, *path: str | int
) -> dict[str, Any]:
    return attribute_changes(input, item, *path) | view_changes(input, item, *path)
