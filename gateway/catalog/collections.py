"""What may happen to collections and to filters that are kept, always with the record."""

from collections.abc import Collection as Some
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.models.base import fold, now
from gateway.models.collections import (
    CollectionRecord,
    FilterPresetRecord,
    collection_items,
    collections,
    filter_presets,
)
from gateway.models.folders import folders
from gateway.models.items import items

Conditions = Some[sa.ColumnElement[bool]]


async def create_collection(
    transaction: Transaction, user_uuid: UUID, folder_uuid: UUID, name: str, description: str
) -> UUID:
    """Make a collection, empty at first."""
    row = CollectionRecord(
        top_level_folder_uuid=folder_uuid, name=name, name_key=fold(name), description=description
    )
    await transaction.execute(sa.insert(collections).values(row.model_dump()))
    made = JournalEntry("CREATE", "Collection", row.uuid, folder_uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [made])
    return row.uuid


async def create_filter_preset(
    transaction: Transaction,
    user_uuid: UUID,
    folder_uuid: UUID,
    name: str,
    description: str,
    filter: dict[str, Any],
) -> UUID:
    """Keep a filter under a name."""
    row = FilterPresetRecord(
        top_level_folder_uuid=folder_uuid,
        name=name,
        name_key=fold(name),
        description=description,
        filter=filter,
    )
    await transaction.execute(sa.insert(filter_presets).values(row.model_dump()))
    made = JournalEntry("CREATE", "FilterPreset", row.uuid, folder_uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [made])
    return row.uuid


async def delete_collection_or_preset(
    transaction: Transaction, user_uuid: UUID, table: sa.Table, object_type: str, present: Any
) -> None:
    """Remove a held collection or preset; items stay."""
    await transaction.execute(sa.delete(table).where(table.c.uuid == present.uuid))
    gone = JournalEntry(
        "DELETE", object_type, present.uuid, present.top_level_folder_uuid, {"name": present.name}
    )
    await journal.append(transaction, user_uuid, [gone])


async def add_items(
    transaction: Transaction, viewer: Viewer, present: Any, uuids: Some[UUID]
) -> set[UUID]:
    """Put items into a held collection; those that the viewer cannot see, which are left out."""
    chosen = in_keys(items.c.uuid, uuids)
    seen = sa.select(items.c.uuid).where(chosen, sees_item(viewer))
    known = {
        row.uuid for row in await transaction.rows(seen.with_for_update(read=True, key_share=True))
    }
    chosen = in_keys(items.c.uuid, known)
    await _add(transaction, viewer.user_uuid, present, sa.select(items.c.uuid).where(chosen))
    return set(uuids) - known


async def remove_items(
    transaction: Transaction, viewer: Viewer, present: Any, uuids: Some[UUID]
) -> set[UUID]:
    """Take items out of a held collection; those that it does not hold or the viewer cannot see, which stay."""
    held = sa.select(items.c.uuid).join(
        collection_items, collection_items.c.item_uuid == items.c.uuid
    )
    held = held.where(_of(present), in_keys(items.c.uuid, uuids), sees_item(viewer))
    found = {row.uuid for row in await transaction.rows(held)}
    await _take(
        transaction,
        viewer.user_uuid,
        present,
        in_keys(collection_items.c.item_uuid, found),
    )
    return set(uuids) - found


async def add_matching(
    transaction: Transaction, viewer: Viewer, present: Any, conditions: Conditions
) -> int:
    """Put into a held collection whatever in its folder and below meets conditions; how many items are new."""
    return await _add(transaction, viewer.user_uuid, present, _found(present).where(*conditions))


async def remove_matching(
    transaction: Transaction, user_uuid: UUID, present: Any, conditions: Conditions
) -> int:
    """Take out of a held collection whatever in its folder and below meets conditions; how many items those were."""
    found = _found(present).where(*conditions)
    return await _take(transaction, user_uuid, present, collection_items.c.item_uuid.in_(found))


async def items_with_titles(
    transaction: Transaction, present: Any, titles: Some[str]
) -> dict[str, list[UUID]]:
    """The items in a collection's folder and below that have these very names, by name."""
    chosen = in_keys(items.c.name_key, {fold(title) for title in titles})
    found = _found(present).add_columns(items.c.name).where(chosen, items.c.is_tombstone.is_(False))
    by_title: dict[str, list[UUID]] = {}
    for row in await transaction.rows(found):
        by_title.setdefault(row.name, []).append(row.uuid)
    return by_title


def _found(present: Any) -> sa.Select[Any]:
    home, top = folders.alias("home"), folders.alias("top")
    return (
        sa.select(items.c.uuid)
        .join(home, home.c.uuid == items.c.folder_uuid)
        .join(top, within(home.c.path, top.c.path))
        .where(top.c.uuid == present.top_level_folder_uuid)
    )


def _of(present: Any) -> sa.ColumnElement[bool]:
    mine: sa.ColumnElement[bool] = collection_items.c.collection_uuid == present.uuid
    return mine


async def _add(
    transaction: Transaction, user_uuid: UUID, present: Any, found: sa.Select[Any]
) -> int:
    """Whoever holds the collection is the only one who adds to it."""
    held = sa.select(collection_items.c.item_uuid).where(_of(present))
    columns = [
        collection_items.c.collection_uuid,
        collection_items.c.item_uuid,
        collection_items.c.created_at,
    ]
    kept = [sa.literal(present.uuid, columns[0].type), sa.literal(now(), columns[2].type)]
    rows = found.where(items.c.uuid.not_in(held)).with_only_columns(
        kept[0], items.c.uuid, kept[1], maintain_column_froms=True
    )
    insert = (
        sa.insert(collection_items)
        .from_select(columns, rows)
        .execution_options(preserve_rowcount=True)
    )
    added = await transaction.execute(insert)
    return await _counted(transaction, user_uuid, present, "ADD_ITEMS", added.rowcount)


async def _take(
    transaction: Transaction, user_uuid: UUID, present: Any, which: sa.ColumnElement[bool]
) -> int:
    taken = await transaction.execute(sa.delete(collection_items).where(_of(present), which))
    return await _counted(transaction, user_uuid, present, "REMOVE_ITEMS", taken.rowcount)


async def _counted(
    transaction: Transaction, user_uuid: UUID, present: Any, action: str, count: int
) -> int:
    if count:
        edited = (
            sa.update(collections)
            .where(collections.c.uuid == present.uuid)
            .values(last_edited_at=now())
        )
        await transaction.execute(edited)
        folder = present.top_level_folder_uuid
        await journal.append(
            transaction,
            user_uuid,
            [JournalEntry(action, "Collection", present.uuid, folder, after={"items": count})],
        )
    return count
