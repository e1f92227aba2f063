"""Mutations that copy items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.copies import MAX_PARTS, PlannedCopy, copy_items, count_parts
from gateway.catalog.copy_rules import groups_refused, items_refused
from gateway.catalog.items import lock_items
from gateway.catalog.rules.names import validate_name
from gateway.catalog.taken_names import WantedName, choose_names, lock_home
from gateway.catalog.visibilities import items_published_in
from gateway.context import Context
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import changed_since_read, published
from gateway.errors import DomainError, ErrorCode, bad_input, conflict
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.models.items import ItemRecord, group_members, items
from resolvers.bulk import Bulk
from resolvers.id_lists import check_list_size
from resolvers.inputs.copies import CopyStorageItemsInput, DuplicateStorageItemInput
from resolvers.mutations.item_entries import lock_entries
from resolvers.mutations.moved_names import moved_names
from resolvers.outcomes import Outcome, UserErrorRow
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER, VIEWER


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
    name_outcome: NameOutcome | None = None


@requires(VIEWER.on_item("item_uuid"), USER.on_receiver("folder_uuid", "the item's own"))
async def duplicate_storage_item(
    context: Context, input: DuplicateStorageItemInput, permissions: Permissions
) -> DuplicateStorageItemOutcome:
    """Copy an item, into its own folder by default.

    It is copied as `copyStorageItems` does.
    """
    uuid, rule, user_uuid = input.item_uuid, input.if_name_taken, context.viewer.user_uuid
    check_copying_rule(rule)
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
        is_copied = group_members.c.item_uuid == uuid
        errors = errors or await groups_refused(
            transaction, context.viewer, {uuid: target}, is_copied
        )
        if uuid in errors:
            raise DomainError(errors[uuid].code, errors[uuid].message, ("itemUuid",))
        if await count_parts(transaction, list(rows.values())) > MAX_PARTS:
            raise _too_many_parts("itemUuid")
        wanted = [WantedName(target, name or rows[uuid].name, False, ("name",))]
        [choice] = await choose_names(transaction, context.viewer, wanted, rule)
        if choice.error:
            raise choice.error
        planned = [PlannedCopy(rows[uuid], target, choice.name)]
        copies = await copy_items(transaction, context.services.queue, user_uuid, planned)
    return DuplicateStorageItemOutcome(item_uuid=copies[uuid], name_outcome=choice.outcome)


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
    check_copying_rule(rule)
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
            is_copied = in_keys(group_members.c.item_uuid, accepted)
            targets = dict.fromkeys(accepted, target)
            _note(bulk, await groups_refused(transaction, context.viewer, targets, is_copied))
        copied = [rows[uuid] for uuid in bulk.accepted_uuids]
        if await count_parts(transaction, copied) > MAX_PARTS:
            raise _too_many_parts("itemUuids")
        user_uuid, queue = context.viewer.user_uuid, context.services.queue
        planned = [PlannedCopy(row, target, names.get(row.uuid, row.name)) for row in copied]
        copies = await copy_items(transaction, queue, user_uuid, planned)
    return CopyStorageItemsOutcome(
        folder_uuid=target,
        renamed_uuids=[copy for uuid, copy in copies.items() if uuid in names],
        results=[CopyResult(r.uuid, copies.get(r.uuid), r.user_errors) for r in bulk.results],
        user_errors=bulk.user_errors,
    )


def check_copying_rule(rule: IfNameTaken) -> None:
    """Raise an error for the rule that does not apply to copies."""
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
    targets = dict.fromkeys(rows, target)
    errors = await items_refused(transaction, context.viewer, rows.values(), targets)
    if not allow_public:
        exposed = await items_published_in(transaction, list(rows), target)
        errors = {uuid: conflict(published("item")) for uuid in exposed} | errors
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
