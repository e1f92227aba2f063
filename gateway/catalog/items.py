"""Items: update, move and delete.

Counters, mirror datasets and the journal change in the same transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import has_staying_item, is_staying_dataset
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import (
    Counted,
    add_metadata_change,
    apply_deltas,
    item_delta,
    move_deltas,
    removal_deltas,
)
from gateway.catalog.ledger.dataset_counters import note_locations
from gateway.catalog.ledger.dicom_instances import instances_set_live, parts_left, parts_moved
from gateway.catalog.ledger.encapsulated_files import delete_encapsulated
from gateway.catalog.ledger.item_uses import note_links, note_members
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import replace_metadata
from gateway.catalog.ledger.mirror_datasets import items_entered, items_left, unlink_data_rows
from gateway.catalog.ledger.row_edits import changed_values, update_rows
from gateway.catalog.ledger.shares import remove_shares, shares_of
from gateway.catalog.ledger.stored_objects import abandon_uploads, release_objects
from gateway.catalog.ledger.thumbnails import delete_thumbnails
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.error_texts import used_by
from gateway.kinds.item_kinds import FILE_GROUPS
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import GroupMemberRecord, ItemRecord, group_members, items
from gateway.models.reencoding import RenditionRecord, renditions
from gateway.models.revisions import BitstreamRecord, bitstreams
from gateway.models.shares import ItemShareRecord, item_shares
from gateway.models.thumbnails import thumbnails
from gateway.models.uploads import UploadRecord, uploads
from gateway.queues.base import Queue

IN_A_GROUP = (
    "The item belongs to a group. Delete the group first. groupsContaining lists the groups that "
    "you can see; a site admin can see all of them."
)
IN_A_DATASET = used_by("item", "a dataset", "allowDatasetChanges", "delete")
_IN_A_MIRROR = used_by("item", "a mirror dataset", "allowMirrorDatasetChanges", "delete")


class DatasetUse(NamedTuple):
    """Use of an item by at least one dataset that is, or is not, a mirror."""

    item_uuid: UUID
    is_mirror: bool


def unusable_reason(row: ItemRecord) -> str | None:
    """Return the message for an item without content: a placeholder or a tombstone."""
    if row.is_placeholder:
        return "The item is a placeholder that has not been processed yet."
    if row.is_tombstone:
        return "The item is a tombstone: its object no longer exists."
    return None


async def lock_items(
    transaction: Transaction, uuids: Collection[UUID], columns: Sequence[str] = ()
) -> list[ItemRecord]:
    """Lock these items until the transaction ends, and return their rows, by UUID.

    The rows have these columns only, if any are given: reading all takes several times as long.
    """
    selected = sa.select(*[items.c[name] for name in columns]) if columns else sa.select(items)
    return await transaction.rows(
        selected.where(in_keys(items.c.uuid, uuids)).order_by(items.c.uuid).with_for_update(),
        ItemRecord,
    )


async def update_items(
    transaction: Transaction,
    user_uuid: UUID | None,
    values: Mapping[UUID, Mapping[str, Any]],
    rows: Mapping[UUID, ItemRecord],
) -> None:
    """Update attributes of locked items, by UUID and column; equal values are no change."""
    changed = changed_values(values, rows)
    await update_rows(transaction, items, changed)
    metadata = {
        uuid: new["client_metadata"] for uuid, new in changed.items() if "client_metadata" in new
    }
    await replace_metadata(transaction, metadata)
    deltas: defaultdict[UUID, Counter[Counted]] = defaultdict(Counter)
    for uuid, new in metadata.items():
        add_metadata_change(deltas[rows[uuid].folder_uuid], rows[uuid], new)
    await apply_deltas(transaction, deltas)
    moves = [
        (uuid, rows[uuid].storage_location, new["storage_location"])
        for uuid, new in changed.items()
        if "storage_location" in new
    ]
    await note_locations(transaction, moves)
    entries = []
    for uuid, after in changed.items():
        row = rows[uuid]
        before = {name: getattr(row, name) for name in after}
        entries.append(JournalEntry("UPDATE", "StorageItem", uuid, row.folder_uuid, before, after))
    await journal.append(transaction, user_uuid, entries)


async def set_tombstones(
    transaction: Transaction,
    user_uuid: UUID | None,
    rows: Iterable[ItemRecord],
    is_tombstone: bool,
) -> None:
    """Turn items into tombstones or back, with their counters; items that are so already stay."""
    rows = [row for row in rows if row.is_tombstone != is_tombstone]
    values = {row.uuid: {"is_tombstone": is_tombstone} for row in rows}
    await update_items(transaction, user_uuid, values, {row.uuid: row for row in rows})
    await instances_set_live(transaction, rows, not is_tombstone)
    deltas: dict[UUID, Counter[Counted]] = {}
    for row in rows:
        delta = deltas.setdefault(row.folder_uuid, Counter())
        delta.subtract(item_delta(row, is_tombstone=row.is_tombstone))
        delta.update(item_delta(row, is_tombstone=is_tombstone))
    await apply_deltas(transaction, deltas)


async def move_items(
    transaction: Transaction,
    user_uuid: UUID | None,
    rows: Sequence[ItemRecord],
    folder_uuid: UUID,
) -> None:
    """Give items another home; those that have it already stay as they are.

    Those that were shared into the folder are only at home there then.
    """
    rows = [row for row in rows if row.folder_uuid != folder_uuid]
    uuids = [row.uuid for row in rows]
    if not uuids:
        return
    changed = {"folder_uuid": folder_uuid, "last_edited_at": now()}
    chosen = in_keys(items.c.uuid, uuids)
    await transaction.execute(sa.update(items).where(chosen).values(changed))
    await parts_moved(transaction, rows, folder_uuid)
    shares = await shares_of(transaction, rows, item_shares.c.folder_uuid == folder_uuid)
    unshared = await remove_shares(transaction, shares)
    await apply_deltas(transaction, move_deltas(rows, folder_uuid), unshared)
    as_member = in_keys(group_members.c.item_uuid, uuids)
    as_group = in_keys(group_members.c.group_uuid, uuids)
    await note_members(transaction, sa.or_(as_member, as_group))
    await items_left(transaction, user_uuid, uuids)
    await note_links(transaction, in_keys(data_rows.c.item_uuid, uuids))
    await items_entered(
        transaction, user_uuid, folder_uuid, [row.uuid for row in rows if not row.is_placeholder]
    )
    entries = [
        JournalEntry(
            "MOVE",
            "StorageItem",
            row.uuid,
            folder_uuid,
            {"folder_uuid": row.folder_uuid},
            {"folder_uuid": folder_uuid},
            row.folder_uuid,
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)


async def delete_items(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    rows: Sequence[ItemRecord],
    *,
    is_recorded: bool = False,
) -> None:
    """Delete items with their data rows, and release the bytes that nothing else refers to.

    Args:
        is_recorded: whether the journal says already that they were deleted.
    """
    uuids = [row.uuid for row in rows]
    if not uuids:
        return
    await parts_left(transaction, rows)
    expected = await transaction.rows(
        sa.select(uploads).where(in_keys(uploads.c.item_uuid, uuids)), UploadRecord
    )
    reencoded = await transaction.rows(
        sa.select(renditions.c.object_key).where(in_keys(renditions.c.item_uuid, uuids)),
        RenditionRecord,
    )
    older = await keys_of_revisions(transaction, rows)
    drawn = await delete_thumbnails(transaction, in_keys(thumbnails.c.item_uuid, uuids))
    extracted = await delete_encapsulated(
        transaction, [row.uuid for row in rows if row.dicom_instance_uid]
    )
    await unlink_data_rows(transaction, user_uuid, in_keys(data_rows.c.item_uuid, uuids))
    shares = await shares_of(transaction, rows)
    unshared = await remove_shares(transaction, shares)
    await transaction.execute(sa.delete(items).where(in_keys(items.c.uuid, uuids)))
    await apply_deltas(transaction, removal_deltas(rows), unshared)
    keys = [*(row.object_key for row in rows), *(row.object_key for row in reencoded)]
    await release_objects(transaction, queue, [*keys, *older, *drawn, *extracted])
    await abandon_uploads(transaction, queue, expected)
    if not is_recorded:
        await record_deletions(transaction, user_uuid, rows, shares)


async def keys_of_revisions(transaction: Transaction, rows: Sequence[ItemRecord]) -> list[str]:
    """Return the keys of the objects that the revisions of items have, of those with any."""
    uuids = [row.uuid for row in rows if row.file_count is not None]
    if not uuids:
        return []
    having = sa.select(bitstreams.c.object_key).where(
        in_keys(bitstreams.c.item_uuid, uuids), bitstreams.c.object_key.is_not(None)
    )
    rows_of_files = await transaction.rows(having.distinct(), BitstreamRecord)
    return [row.object_key for row in rows_of_files if row.object_key]


async def record_deletions(
    transaction: Transaction,
    user_uuid: UUID | None,
    rows: Sequence[ItemRecord],
    shares: Collection[ItemShareRecord],
) -> None:
    """Write to the journal that items were deleted, and no longer have these shares."""
    others: dict[UUID, set[UUID]] = {row.uuid: set() for row in rows}
    for share in shares:
        others[share.item_uuid].add(share.folder_uuid)
    entries = [
        JournalEntry(
            "DELETE",
            "StorageItem",
            row.uuid,
            row.folder_uuid,
            before={"name": row.name},
            other_folders=others[row.uuid],
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)


async def deletion_errors(
    transaction: Transaction, uuids: Sequence[UUID], allow_dataset: bool, allow_mirror: bool
) -> dict[UUID, str]:
    """Return why items cannot be deleted, for those that cannot."""
    members = await members_of_other_groups(transaction, uuids)
    errors = dict.fromkeys(members, IN_A_GROUP)
    for uuid, uses in (await dataset_uses(transaction, uuids)).items():
        if False in uses and not allow_dataset:
            errors[uuid] = IN_A_DATASET
        if True in uses and not allow_mirror:
            errors[uuid] = _IN_A_MIRROR
    return errors


async def unused_members(
    transaction: Transaction,
    group_uuids: Collection[UUID],
    besides_mirrors: bool,
    among: Collection[UUID] | None = None,
) -> list[ItemRecord]:
    """Return the members of these file groups that no other group and no dataset uses.

    Members of data groups are never returned, as they exist in their own right.

    Args:
        besides_mirrors: do not count mirror datasets as users.
        among: members to choose from; all if None.
    """
    other, group = group_members.alias(), items.alias()
    mine = (
        sa.select(group_members.c.item_uuid)
        .join(group, group.c.uuid == group_members.c.group_uuid)
        .where(in_keys(group.c.uuid, group_uuids), group.c.item_type.in_(FILE_GROUPS))
    )
    elsewhere = sa.exists().where(
        other.c.item_uuid == items.c.uuid,
        sa.not_(in_keys(other.c.group_uuid, group_uuids)),
        has_staying_item(other.c.group_uuid),
    )
    used = sa.exists().where(
        data_rows.c.item_uuid == items.c.uuid, is_staying_dataset(data_rows.c.dataset_uuid)
    )
    if besides_mirrors:
        used = used.where(
            datasets.c.uuid == data_rows.c.dataset_uuid, datasets.c.backing_folder_uuid.is_(None)
        )
    found = sa.select(items).where(items.c.uuid.in_(mine), ~elsewhere, ~used)
    if among is not None:
        found = found.where(in_keys(items.c.uuid, among))
    return await transaction.rows(found, ItemRecord)


async def members_of_other_groups(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Return those of the items that are members of an item that is not among them."""
    members = sa.select(group_members.c.item_uuid).where(
        in_keys(group_members.c.item_uuid, uuids),
        sa.not_(in_keys(group_members.c.group_uuid, uuids)),
        has_staying_item(group_members.c.group_uuid),
    )
    return {row.item_uuid for row in await transaction.rows(members, GroupMemberRecord)}


async def dataset_uses(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, set[bool]]:
    """Return whether mirror datasets (True), others (False) or both use an item, by item."""
    is_mirror = datasets.c.backing_folder_uuid.is_not(None).label("is_mirror")
    statement = (
        sa.select(data_rows.c.item_uuid, is_mirror)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(in_keys(data_rows.c.item_uuid, uuids), is_staying_dataset(datasets.c.uuid))
        .distinct()
    )
    uses: dict[UUID, set[bool]] = {}
    for row in await transaction.rows(statement, DatasetUse):
        uses.setdefault(row.item_uuid, set()).add(bool(row.is_mirror))
    return uses


async def folders_mirrored_below(
    transaction: Transaction, folder_uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the folders that a dataset mirrors, or that contain such a folder."""
    below = folders.alias()
    statement = (
        sa.select(folders.c.uuid)
        .join(below, within(below.c.path, folders.c.path))
        .join(datasets, datasets.c.backing_folder_uuid == below.c.uuid)
        .where(in_keys(folders.c.uuid, folder_uuids))
    )
    return {row.uuid for row in await transaction.rows(statement, FolderRecord)}
