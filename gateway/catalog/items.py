"""What may happen to items: they are changed, moved and removed, always with counters, mirrors and record."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.mirror_datasets import items_entered, items_left, unlink_data_rows
from gateway.catalog.ledger.row_edits import changed_values, update_rows
from gateway.catalog.ledger.stored_objects import abandon_uploads, release_objects
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.kinds.item_kinds import FILE_GROUPS
from gateway.models.base import now
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from gateway.models.reencoding import renditions
from gateway.models.uploads import uploads
from gateway.queues.base import Queue


async def locked_items(transaction: Transaction, uuids: Collection[UUID]) -> list[Any]:
    """The rows of these items, held until the transaction ends."""
    chosen = in_keys(items.c.uuid, uuids)
    return await transaction.rows(
        sa.select(items).where(chosen).order_by(items.c.uuid).with_for_update()
    )


async def update_items(
    transaction: Transaction,
    user_uuid: UUID | None,
    values: Mapping[UUID, Mapping[str, Any]],
    present: Mapping[UUID, Any],
) -> None:
    """Change attributes of items; what is as it was already is no change."""
    new = changed_values(values, present)
    await update_rows(transaction, items, new)
    await journal.append(
        transaction, user_uuid, [_updated(present[uuid], changed) for uuid, changed in new.items()]
    )


async def move_items(
    transaction: Transaction, user_uuid: UUID, rows: Sequence[Any], folder_uuid: UUID
) -> None:
    """Put items into another folder; those that lie there already stay as they are."""
    rows = [row for row in rows if row.folder_uuid != folder_uuid]
    uuids = [row.uuid for row in rows]
    if not uuids:
        return
    chosen = in_keys(items.c.uuid, uuids)
    changed = {"folder_uuid": folder_uuid, "last_edited_at": now()}
    await transaction.execute(sa.update(items).where(chosen).values(changed))
    await apply_deltas(transaction, removal_deltas(rows), arrival_deltas(rows, folder_uuid))
    await items_left(transaction, user_uuid, uuids)
    await items_entered(
        transaction, user_uuid, folder_uuid, [row.uuid for row in rows if not row.is_placeholder]
    )
    await journal.append(transaction, user_uuid, [_moved(row, folder_uuid) for row in rows])


async def delete_items(
    transaction: Transaction, queue: Queue, user_uuid: UUID | None, rows: Sequence[Any]
) -> None:
    """Remove items, their uses by datasets, and, by a task, the bytes that nothing else refers to."""
    uuids = [row.uuid for row in rows]
    if not uuids:
        return
    expected = await transaction.rows(sa.select(uploads).where(in_keys(uploads.c.item_uuid, uuids)))
    versions = await transaction.rows(
        sa.select(renditions.c.object_key).where(in_keys(renditions.c.item_uuid, uuids))
    )
    await unlink_data_rows(transaction, user_uuid, in_keys(data_rows.c.item_uuid, uuids))
    await transaction.execute(sa.delete(items).where(in_keys(items.c.uuid, uuids)))
    await apply_deltas(transaction, removal_deltas(rows))
    await release_objects(transaction, queue, [row.object_key for row in (*rows, *versions)])
    await abandon_uploads(transaction, queue, expected)
    changed = [
        JournalEntry("DELETE", "StorageItem", row.uuid, row.folder_uuid, before={"name": row.name})
        for row in rows
    ]
    await journal.append(transaction, user_uuid, changed)


async def unused_members(
    transaction: Transaction, group_uuids: Collection[UUID], besides_mirrors: bool
) -> list[Any]:
    """The frames of these groups of files that no other group and no dataset uses (SUB-046).

    Items of a data group are no frames: they are there for themselves. With `besides_mirrors`, the dataset that mirrors
    the folder of a frame does not count as using it.
    """
    other, group = (
        group_members.alias(),
        items.alias(),
    )
    mine = (
        sa.select(group_members.c.item_uuid)
        .join(group, group.c.uuid == group_members.c.group_uuid)
        .where(in_keys(group.c.uuid, group_uuids), group.c.item_type.in_(FILE_GROUPS))
    )
    elsewhere = sa.exists().where(
        other.c.item_uuid == items.c.uuid,
        sa.not_(in_keys(other.c.group_uuid, group_uuids)),
    )
    used = sa.exists().where(data_rows.c.item_uuid == items.c.uuid)
    if besides_mirrors:
        used = used.where(
            datasets.c.uuid == data_rows.c.dataset_uuid, datasets.c.backing_folder_uuid.is_(None)
        )
    return await transaction.rows(sa.select(items).where(items.c.uuid.in_(mine), ~elsewhere, ~used))


async def members_of_other_groups(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Those of the items that belong to a group of files which is not itself among them."""
    found = sa.select(group_members.c.item_uuid).where(
        in_keys(group_members.c.item_uuid, uuids),
        sa.not_(in_keys(group_members.c.group_uuid, uuids)),
    )
    return {row.item_uuid for row in await transaction.rows(found)}


async def dataset_uses(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, set[bool]]:
    """For each item that datasets use, whether mirror datasets (True) and whether others (False) are among them."""
    is_mirror = datasets.c.backing_folder_uuid.is_not(None).label("is_mirror")
    found = (
        sa.select(data_rows.c.item_uuid, is_mirror)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(in_keys(data_rows.c.item_uuid, uuids))
        .distinct()
    )
    uses: dict[UUID, set[bool]] = {}
    for row in await transaction.rows(found):
        uses.setdefault(row.item_uuid, set()).add(bool(row.is_mirror))
    return uses


def _updated(row: Any, new: Mapping[str, Any]) -> JournalEntry:
    before = {name: getattr(row, name) for name in new}
    return JournalEntry("UPDATE", "StorageItem", row.uuid, row.folder_uuid, before, new)


def _moved(row: Any, folder_uuid: UUID) -> JournalEntry:
    before, after = {"folder_uuid": row.folder_uuid}, {"folder_uuid": folder_uuid}
    return JournalEntry(
        "MOVE", "StorageItem", row.uuid, folder_uuid, before, after, row.folder_uuid
    )


_IN_A_GROUP = (
    "This item belongs to an item that is made of others; remove that first. groupsContaining lists those that you "
    "see; one that you do not see is for an admin of the site."
)


async def locked_items_in(transaction: Transaction, folder_uuids: Collection[UUID]) -> list[Any]:
    """All items that lie directly in these folders, held until the transaction ends."""
    chosen = in_keys(items.c.folder_uuid, folder_uuids)
    return await transaction.rows(
        sa.select(items).where(chosen).order_by(items.c.uuid).with_for_update()
    )


async def deletion_errors(
    transaction: Transaction, uuids: Sequence[UUID], allow_dataset: bool, allow_mirror: bool
) -> dict[UUID, str]:
    """Why each of these items cannot be removed, for those that cannot."""
    members = await members_of_other_groups(transaction, uuids)
    faults = dict.fromkeys(members, _IN_A_GROUP)
    for uuid, uses in (await dataset_uses(transaction, uuids)).items():
        if False in uses and not allow_dataset:
            faults[uuid] = "A dataset uses this item; allowDatasetChanges lets it go."
        if True in uses and not allow_mirror:
            faults[uuid] = "A mirror dataset uses this item; allowMirrorDatasetChanges lets it go."
    return faults


async def mirrored_folders(transaction: Transaction, folder_uuids: Collection[UUID]) -> set[UUID]:
    """Those of the folders that a dataset mirrors."""
    chosen = in_keys(datasets.c.backing_folder_uuid, folder_uuids)
    return {
        row.backing_folder_uuid
        for row in await transaction.rows(sa.select(datasets.c.backing_folder_uuid).where(chosen))
    }


async def folders_mirrored_below(
    transaction: Transaction, folder_uuids: Collection[UUID]
) -> set[UUID]:
    """Those of the folders that a dataset mirrors, or of which one below is mirrored."""
    below = folders.alias()
    chosen = (
        sa.select(folders.c.uuid)
        .join(below, within(below.c.path, folders.c.path))
        .join(datasets, datasets.c.backing_folder_uuid == below.c.uuid)
        .where(in_keys(folders.c.uuid, folder_uuids))
    )
    return {row.uuid for row in await transaction.rows(chosen)}
