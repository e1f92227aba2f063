"""Mutations that share items into folders that are not their own."""

from dataclasses import dataclass
from uuid import UUID

from gateway.auth.roles import roles_on_folders
from gateway.catalog.items import lock_items
from gateway.catalog.sharing import (
    MAX_SHARES,
    items_shared_too_often,
    share_items,
    unshare_items,
)
from gateway.catalog.taken_names import lock_home
from gateway.catalog.visibilities import items_published_in
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.error_texts import published
from gateway.errors import DomainError, ErrorCode
from gateway.kinds.enums import StorageUserRole
from resolvers.bulk import Bulk, EntryResult
from resolvers.id_lists import check_list_size
from resolvers.inputs.shares import ShareStorageItemsInput, UnshareStorageItemsInput
from resolvers.mutations.item_entries import keep_in_masked_trees, lock_entries, refuse
from resolvers.mutations.moved_names import check_sharing_rule, moved_names
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER, VIEWER


@dataclass(frozen=True, slots=True)
class ShareStorageItemsOutcome(Outcome):
    """Outcome of `shareStorageItems`."""

    folder_uuid: UUID | None = None
    results: list[EntryResult] | None = None


@requires(
    ADMIN.on_each_item("item_uuids"),
    USER.on_receiving_folder("folder_uuid", "the folder to share into"),
)
async def share_storage_items(
    context: Context, input: ShareStorageItemsInput, permissions: Permissions
) -> ShareStorageItemsOutcome:
    """Share 1 to 1,000 items into another folder.

    They are listed there among its own, and can be read by all who see the folder; what else may be
    done with an item depends on its own folder alone. Items that are in the folder already stay as
    they are. An item can be in at most 100 folders besides its own (`LIMIT_EXCEEDED`). Without
    `seesPhi` in its own folder, it can be shared only within its masked tree (`FORBIDDEN`). Sharing
    into a public folder requires `allowPublic` (`CONFLICT`).

    If one item is rejected, none is shared unless `allowPartial` is set.
    """
    check_list_size(input.item_uuids, "itemUuids")
    target, rule = input.folder_uuid, input.if_name_taken
    check_sharing_rule(rule)
    async with context.database.writing() as transaction:
        await lock_home(transaction, target, rule)
        await permissions.check(transaction)
        bulk, rows = await lock_entries(transaction, input, permissions)
        await keep_in_masked_trees(context, transaction, input.folder_uuid, bulk, rows)
        if not input.allow_public:
            exposed = await items_published_in(transaction, list(rows), input.folder_uuid)
            refuse(bulk, dict.fromkeys(exposed, published("item")))
        full = await items_shared_too_often(transaction, list(rows.values()), input.folder_uuid)
        for index, uuid in enumerate(bulk.uuids):
            if uuid in full and index not in bulk.errors:
                message = f"The item is in {MAX_SHARES} other folders already."
                path = "itemUuids", index
                bulk.errors[index] = DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
        await moved_names(
            context, transaction, rule, target, bulk, rows, "itemUuids", are_folders=False
        )
        accepted = [rows[uuid] for uuid in bulk.accepted_uuids]
        await share_items(transaction, context.viewer.user_uuid, accepted, input.folder_uuid)
    return ShareStorageItemsOutcome(
        folder_uuid=input.folder_uuid, results=bulk.results, user_errors=bulk.user_errors
    )


@dataclass(frozen=True, slots=True)
class UnshareStorageItemsOutcome(Outcome):
    """Outcome of `unshareStorageItems`."""

    folder_uuid: UUID | None = None
    results: list[EntryResult] | None = None


@requires(
    ADMIN.on_each_item("item_uuids", " or on the folder that they are taken out of"),
    VIEWER.on_folder("folder_uuid", optional=True),
)
async def unshare_storage_items(
    context: Context, input: UnshareStorageItemsInput, permissions: Permissions
) -> UnshareStorageItemsOutcome:
    """Take 1 to 1,000 items out of a folder that they are shared into, or out of all such folders.

    They stay in their own folders. Items that are not shared there stay as they are. If one item is
    rejected, none is taken out unless `allowPartial` is set.
    """
    check_list_size(input.item_uuids, "itemUuids")
    folder_uuid = input.folder_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        rows = {row.uuid: row for row in await lock_items(transaction, input.item_uuids)}
        errors = await permissions.errors(transaction, "item_uuids")
        if folder_uuid is not None:
            roles = await roles_on_folders(transaction.connection, context.viewer, [folder_uuid])
            if roles[folder_uuid].role is StorageUserRole.ADMIN:
                visible = ErrorCode.FORBIDDEN
                errors = {at: error for at, error in errors.items() if error.code is not visible}
        bulk = Bulk(input.item_uuids, input.allow_partial, errors)
        accepted = [rows[uuid] for uuid in bulk.accepted_uuids]
        await unshare_items(transaction, context.viewer.user_uuid, accepted, folder_uuid)
    return UnshareStorageItemsOutcome(
        folder_uuid=folder_uuid, results=bulk.results, user_errors=bulk.user_errors
    )
