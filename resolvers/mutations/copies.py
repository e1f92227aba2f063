"""Mutations that copy items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import hides_identity_of, masked_trees
from gateway.auth.roles import roles_on_folders
from gateway.catalog.copies import MAX_PARTS, copy_items, count_parts, folders_of_members
from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.rules.names import validate_name
from gateway.catalog.taken_names import WantedName, choose_names, lock_home
from gateway.catalog.visibilities import items_published_in
from gateway.context import Context
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import changed_since_read, leaves_masked_tree, published
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, forbidden
from gateway.kinds.enums import IfNameTaken, StorageUserRole
from gateway.models.items import ItemRecord, items
from resolvers.bulk import Bulk
from resolvers.id_lists import check_list_size
from resolvers.inputs.copies import CopyStorageItemsInput, DuplicateStorageItemInput
from resolvers.mutations.item_entries import lock_entries
from resolvers.mutations.moved_names import moved_names
from resolvers.outcomes import Outcome, UserErrorRow
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER, VIEWER

_OTHERS_MEMBERS = (
    "The group has members that are not copied with it, in a folder where you are not USER. Copy "
    "them together."
)


@dataclass(frozen=True, slots=True)
class CopyResult:
    """Result of one entry of `copyStorageItems`; `item_uuid` is that of the copy."""

    uuid: UUID
    item_uuid: UUID | None
    user_errors: list[UserErrorRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DuplicateStorageItemOutcome(Outcome):
    """Outcome of `duplicateStorageItem`."""

    item_uuid: UUID | None = None


@requires(VIEWER.on_item("item_uuid"), USER.on_receiver("folder_uuid", "the item's own"))
async def duplicate_storage_item(
    context: Context, input: DuplicateStorageItemInput, permissions: Permissions
) -> DuplicateStorageItemOutcome:
    """Copy an item, into its own folder by default.

    It is copied as `copyStorageItems` does.
    """
    uuid, rule, user_uuid = input.item_uuid, input.if_name_taken, context.viewer.user_uuid
    _check_rule(rule)
    name = None if input.name is None else validate_name(input.name, "name")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction, "item_uuid")
        home = sa.select(items.c.folder_uuid).where(items.c.uuid == uuid)
        target = input.folder_uuid or (await transaction.single(home, ItemRecord)).folder_uuid
        await permissions.check_receiver(transaction, "folder_uuid", target)
        await lock_home(transaction, target, rule)
        rows = {row.uuid: row for row in await lock_items(transaction, [uuid])}
        await permissions.check(transaction, "item_uuid")
        if input.folder_uuid is None and rows[uuid].folder_uuid != target:
            raise conflict(changed_since_read("item"), "itemUuid")
        errors = await _refusals(context, transaction, target, rows, input.allow_public)
        errors = errors or await _groups_refused(context, transaction, target, [uuid])
        if uuid in errors:
            raise DomainError(errors[uuid].code, errors[uuid].message, ("itemUuid",))
        if await count_parts(transaction, list(rows.values())) > MAX_PARTS:
            raise _too_many_parts("itemUuid")
        wanted = [WantedName(target, name or rows[uuid].name, False, ("name",))]
        [choice] = await choose_names(transaction, context.viewer, wanted, rule)
        if choice.error:
            raise choice.error
        queue, chosen = context.services.queue, {uuid: choice.name}
        copies = await copy_items(
            transaction, queue, user_uuid, list(rows.values()), target, chosen
        )
    return DuplicateStorageItemOutcome(item_uuid=copies[uuid])


@dataclass(frozen=True, slots=True)
class CopyStorageItemsOutcome(Outcome):
    """Outcome of `copyStorageItems`."""

    folder_uuid: UUID | None = None
    renamed_uuids: list[UUID] | None = None
    results: list[CopyResult] | None = None


@requires(
    VIEWER.on_each_item("item_uuids"),
    USER.on_receiving_folder("folder_uuid", "the folder to copy into"),
)
async def copy_storage_items(
    context: Context, input: CopyStorageItemsInput, permissions: Permissions
) -> CopyStorageItemsOutcome:
    """Copy 1 to 1,000 items into a folder.

    A copy is an item of its own, which belongs to the caller and stays when the original is changed
    or deleted. It begins with the name, the metadata and the files that the original has now,
    without older revisions; bytes are not stored again, and files elsewhere stay where they are.
    Groups get the copies of those members that are copied with them, and share the others, which
    requires `USER` on the folders of these. Shares, datasets, renditions and attachments to studies
    are not copied.

    Fails with `CONFLICT` for placeholders and tombstones, and for items that would become public
    unless `allowPublic` is set. Without `seesPhi` for an item, it can be copied only within its
    masked tree (`FORBIDDEN`). At most 100,000 members and files of such items are copied at once
    (`LIMIT_EXCEEDED`). If one item is rejected, none is copied unless `allowPartial` is set.
    """
    check_list_size(input.item_uuids, "itemUuids")
    target, rule = input.folder_uuid, input.if_name_taken
    _check_rule(rule)
    async with context.database.writing() as transaction:
        await lock_home(transaction, target, rule)
        await permissions.check(transaction)
        bulk, rows = await lock_entries(transaction, input, permissions)
        _note(bulk, await _refusals(context, transaction, target, rows, input.allow_public))
        names = await moved_names(
            *(context, transaction, rule, target, bulk, rows, "itemUuids"),
            are_folders=False,
            are_copied=True,
        )
        known = -1
        while known < len(bulk.errors):  # the refusal of a member can be that of its group, too
            known, accepted = len(bulk.errors), bulk.accepted_uuids
            _note(bulk, await _groups_refused(context, transaction, target, accepted))
        copied = [rows[uuid] for uuid in bulk.accepted_uuids]
        if await count_parts(transaction, copied) > MAX_PARTS:
            raise _too_many_parts("itemUuids")
        user_uuid, queue = context.viewer.user_uuid, context.services.queue
        copies = await copy_items(transaction, queue, user_uuid, copied, target, names)
    return CopyStorageItemsOutcome(
        folder_uuid=target,
        renamed_uuids=[copy for uuid, copy in copies.items() if uuid in names],
        results=[CopyResult(r.uuid, copies.get(r.uuid), r.user_errors) for r in bulk.results],
        user_errors=bulk.user_errors,
    )


def _check_rule(rule: IfNameTaken) -> None:
    if rule is IfNameTaken.REUSE:
        message = "A copy is a new item. Use RENAME, REFUSE or ALLOW_DUPLICATE."
        raise bad_input(message, "ifNameTaken")


async def _refusals(
    context: Context,
    transaction: Transaction,
    target: UUID,
    rows: Mapping[UUID, ItemRecord],
    allow_public: bool,
) -> dict[UUID, DomainError]:
    """Return the errors, without paths, of locked items that cannot be copied into a folder."""
    errors = {
        uuid: conflict(reason) for uuid, row in rows.items() if (reason := unusable_reason(row))
    }
    if not allow_public:
        exposed = await items_published_in(transaction, list(rows), target)
        errors |= {uuid: conflict(published("item")) for uuid in exposed}
    homes = {target, *(row.folder_uuid for row in rows.values())}
    trees = await masked_trees(transaction.connection, context.viewer, homes)
    hidden = sa.select(items.c.uuid).where(
        in_keys(items.c.uuid, list(rows)), hides_identity_of(context.viewer)
    )
    for uuid in {each.uuid for each in await transaction.rows(hidden, ItemRecord)}:
        # Those that are masked only where the viewer sees them have no tree to stay in.
        tree = trees.get(rows[uuid].folder_uuid)
        if tree is None or tree != trees.get(target):
            errors[uuid] = forbidden(leaves_masked_tree("item"))
    return errors


async def _groups_refused(
    context: Context, transaction: Transaction, target: UUID, uuids: list[UUID]
) -> dict[UUID, DomainError]:
    """Return the errors of those of the items whose copies cannot have the members of theirs.

    Whoever puts an item into a group keeps it from being deleted, so that VIEWER does not do.
    """
    members = await folders_of_members(transaction, uuids, uuids)
    homes = {each.folder_uuid for each in members}
    roles = await roles_on_folders(transaction.connection, context.viewer, homes)
    trees = await masked_trees(transaction.connection, context.viewer, {target, *homes})
    errors = {}
    for group_uuid, home in members:
        if home not in roles or roles[home].role.rank < StorageUserRole.USER.rank:
            errors[group_uuid] = forbidden(_OTHERS_MEMBERS)
        elif home in trees and trees[home] != trees.get(target):
            errors[group_uuid] = forbidden(leaves_masked_tree("group"))
    return errors


def _note(bulk: Bulk, errors: Mapping[UUID, DomainError]) -> None:
    """Add errors to the entries that have none yet."""
    for index, uuid in enumerate(bulk.uuids):
        if uuid in errors and index not in bulk.errors:
            error = errors[uuid]
            bulk.errors[index] = DomainError(error.code, error.message, ("itemUuids", index))


def _too_many_parts(field: str) -> DomainError:
    message = f"At most {MAX_PARTS:,} members of groups and files can be copied at once."
    return DomainError(ErrorCode.LIMIT_EXCEEDED, message, (field,))
