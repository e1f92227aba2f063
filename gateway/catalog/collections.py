"""Collections of items and filter presets: create, fill and delete, with journal entries."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.deletion import add_leaving_folder, enqueue_removal
from gateway.catalog.jobs import add_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import count_rows
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.kinds.enums import JobKind
from gateway.models.base import fold
from gateway.models.collections import (
    CollectionRecord,
    FilterPresetRecord,
    collection_items,
    collections,
    filter_presets,
)
from gateway.models.folders import folders
from gateway.models.items import ItemRecord, items
from gateway.queues.base import Queue

Conditions = Collection[sa.ColumnElement[bool]]
REMOVED_AT_ONCE = 1_000
"""Items of a deleted collection that the request itself removes."""


class NamedItem(NamedTuple):
    """An item with its name."""

    uuid: UUID
    name: str


async def create_collection(
    transaction: Transaction, user_uuid: UUID, folder_uuid: UUID, name: str, description: str
) -> UUID:
    """Create an empty collection for the items in a folder and below it."""
    row = CollectionRecord(
        top_level_folder_uuid=folder_uuid, name=name, name_key=fold(name), description=description
    )
    await transaction.execute(sa.insert(collections).values(row.model_dump()))
    entry = JournalEntry("CREATE", "Collection", row.uuid, folder_uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [entry])
    return row.uuid


async def create_filter_preset(
    transaction: Transaction,
    user_uuid: UUID,
    folder_uuid: UUID,
    name: str,
    description: str,
    filter: dict[str, Any],
) -> UUID:
    """Save a filter of items, as clients send it, under a name."""
    row = FilterPresetRecord(
        top_level_folder_uuid=folder_uuid,
        name=name,
        name_key=fold(name),
        description=description,
        filter=filter,
    )
    await transaction.execute(sa.insert(filter_presets).values(row.model_dump()))
    entry = JournalEntry("CREATE", "FilterPreset", row.uuid, folder_uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [entry])
    return row.uuid


async def delete_collection(
    transaction: Transaction, queue: Queue, user_uuid: UUID, row: CollectionRecord
) -> UUID | None:
    """Delete a locked collection; its items stay.

    It is gone at once in any case. The caller has locked the tree.

    Returns:
        The UUID of the job that removes it if it has many items.
    """
    job_uuid = None
    total = await count_rows(transaction, collection_items, _in_collection(row))
    mine = collections.c.uuid == row.uuid
    if total <= REMOVED_AT_ONCE:
        await transaction.execute(sa.delete(collections).where(mine))
    else:
        job_uuid = await add_job(
            transaction,
            JobKind.DELETION,
            user_uuid,
            row.top_level_folder_uuid,
            title=row.name,
            units_pending_count=1,
        )
        place = await add_leaving_folder(transaction, job_uuid, row.name)
        moved = sa.update(collections).where(mine).values(top_level_folder_uuid=place)
        await transaction.execute(moved)
        await enqueue_removal(transaction, queue, job_uuid)
    await _record_deletion(transaction, user_uuid, "Collection", row)
    return job_uuid


async def delete_filter_preset(
    transaction: Transaction, user_uuid: UUID, row: FilterPresetRecord
) -> None:
    """Delete a locked preset."""
    await transaction.execute(sa.delete(filter_presets).where(filter_presets.c.uuid == row.uuid))
    await _record_deletion(transaction, user_uuid, "FilterPreset", row)


async def _record_deletion(
    transaction: Transaction,
    user_uuid: UUID,
    object_type: str,
    row: CollectionRecord | FilterPresetRecord,
) -> None:
    entry = JournalEntry(
        "DELETE", object_type, row.uuid, row.top_level_folder_uuid, {"name": row.name}
    )
    await journal.append(transaction, user_uuid, [entry])


async def add_items(
    transaction: Transaction,
    viewer: Viewer,
    collection: CollectionRecord,
    uuids: Collection[UUID],
) -> set[UUID]:
    """Add items to a locked collection; return those that the viewer cannot see, left out."""
    visible = sa.select(items.c.uuid).where(in_keys(items.c.uuid, uuids), sees_item(viewer))
    rows = await transaction.rows(visible.with_for_update(read=True, key_share=True), ItemRecord)
    known = {row.uuid for row in rows}
    chosen = sa.select(items.c.uuid).where(in_keys(items.c.uuid, known))
    await _add(transaction, viewer.user_uuid, collection, chosen)
    return set(uuids) - known


async def remove_items(
    transaction: Transaction,
    viewer: Viewer,
    collection: CollectionRecord,
    uuids: Collection[UUID],
) -> set[UUID]:
    """Remove items from a locked collection.

    Returns:
        The items that stay: those that are not in it or that the viewer cannot see.
    """
    statement = (
        sa.select(items.c.uuid)
        .join(collection_items, collection_items.c.item_uuid == items.c.uuid)
        .where(_in_collection(collection), in_keys(items.c.uuid, uuids), sees_item(viewer))
    )
    present = {row.uuid for row in await transaction.rows(statement, ItemRecord)}
    chosen = in_keys(collection_items.c.item_uuid, present)
    await _remove(transaction, viewer.user_uuid, collection, chosen)
    return set(uuids) - present


async def change_next(
    transaction: Transaction,
    user_uuid: UUID | None,
    collection: CollectionRecord,
    conditions: Conditions,
    size: int,
    *,
    removes: bool,
    after: UUID | None = None,
) -> list[UUID]:
    """Add the next items that meet conditions to a locked collection, or remove them.

    They are in its folder and below, and taken in the order of their UUIDs, which never change.

    Args:
        size: number of items.
        removes: whether items are removed rather than added.
        after: the last item of the step before.

    Returns:
        The items that were added or removed. If fewer than `size`, there are no more.
    """
    found = _changing(collection, conditions, removes).order_by(items.c.uuid).limit(size)
    if after is not None:
        found = found.where(items.c.uuid > after)
    locked = found.with_for_update(read=True, key_share=True, of=items)
    uuids = [row.uuid for row in await transaction.rows(locked, ItemRecord)]
    if removes:
        chosen = in_keys(collection_items.c.item_uuid, uuids)
        await _remove(transaction, user_uuid, collection, chosen)
    else:
        added = sa.select(items.c.uuid).where(in_keys(items.c.uuid, uuids))
        await _add(transaction, user_uuid, collection, added)
    return uuids


async def count_next(
    transaction: Transaction,
    collection: CollectionRecord,
    conditions: Conditions,
    limit: int,
    *,
    removes: bool,
) -> int:
    """Return how many items `change_next` would still change, at most `limit`."""
    found = _changing(collection, conditions, removes).limit(limit).subquery()
    return await count_rows(transaction, found)


async def items_with_titles(
    transaction: Transaction, collection: CollectionRecord, titles: Collection[str]
) -> dict[str, list[UUID]]:
    """Return the items in a collection's folder and below with exactly these names, by name."""
    chosen = in_keys(items.c.name_key, {fold(title) for title in titles})
    statement = (
        _candidates(collection)
        .add_columns(items.c.name)
        .where(chosen, items.c.is_tombstone.is_(False))
    )
    by_title: dict[str, list[UUID]] = {}
    for row in await transaction.rows(statement, NamedItem):
        by_title.setdefault(row.name, []).append(row.uuid)
    return by_title


def _candidates(collection: CollectionRecord) -> sa.Select[Any]:
    """Select the items in a collection's folder and below it."""
    home, top = folders.alias("home"), folders.alias("top")
    return (
        sa.select(items.c.uuid)
        .join(home, home.c.uuid == items.c.folder_uuid)
        .join(top, within(home.c.path, top.c.path))
        .where(top.c.uuid == collection.top_level_folder_uuid)
    )


def _changing(
    collection: CollectionRecord, conditions: Conditions, removes: bool
) -> sa.Select[Any]:
    """Select the items that meet conditions and are in a collection, or else are not yet."""
    present = sa.exists().where(
        _in_collection(collection), collection_items.c.item_uuid == items.c.uuid
    )
    return _candidates(collection).where(*conditions, present if removes else ~present)


def _in_collection(collection: CollectionRecord) -> sa.ColumnElement[bool]:
    mine: sa.ColumnElement[bool] = collection_items.c.collection_uuid == collection.uuid
    return mine


async def _add(
    transaction: Transaction,
    user_uuid: UUID | None,
    collection: CollectionRecord,
    chosen: sa.Select[Any],
) -> int:
    """Add selected items in one statement; the lock on the collection keeps out other writers."""
    present = sa.select(collection_items.c.item_uuid).where(_in_collection(collection))
    columns = [
        collection_items.c.collection_uuid,
        collection_items.c.item_uuid,
        collection_items.c.created_at,
    ]
    rows = chosen.where(items.c.uuid.not_in(present)).with_only_columns(
        sa.literal(collection.uuid, columns[0].type),
        items.c.uuid,
        sa.literal(now(), columns[2].type),
        maintain_column_froms=True,
    )
    insert = (
        sa.insert(collection_items)
        .from_select(columns, rows)
        .execution_options(preserve_rowcount=True)
    )
    result = await transaction.execute(insert)
    return await _record_edit(transaction, user_uuid, collection, "ADD_ITEMS", result.rowcount)


async def _remove(
    transaction: Transaction,
    user_uuid: UUID | None,
    collection: CollectionRecord,
    condition: sa.ColumnElement[bool],
) -> int:
    result = await transaction.execute(
        sa.delete(collection_items).where(_in_collection(collection), condition)
    )
    return await _record_edit(transaction, user_uuid, collection, "REMOVE_ITEMS", result.rowcount)


async def _record_edit(
    transaction: Transaction,
    user_uuid: UUID | None,
    collection: CollectionRecord,
    action: str,
    total: int,
) -> int:
    """Note that items were added or removed, and return their number."""
    if total:
        mine = collections.c.uuid == collection.uuid
        await transaction.execute(sa.update(collections).where(mine).values(last_edited_at=now()))
        folder = collection.top_level_folder_uuid
        entry = JournalEntry(action, "Collection", collection.uuid, folder, after={"items": total})
        await journal.append(transaction, user_uuid, [entry])
    return total
