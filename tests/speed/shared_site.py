"""Shares, public folders and two large folders, added to a generated site."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.bulk_load import bulk_insert
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.database.tree import ancestors, path_of
from gateway.ids import uuid7
from gateway.kinds.enums import FolderVisibility
from gateway.models.base import new_row
from gateway.models.folders import FolderCountersRecord, FolderRecord, folder_counters, folders
from gateway.models.items import ItemRecord, items
from gateway.models.shares import item_shares

PART = 100
"""One in so many items is shared into another folder, and one in so many folders is public."""
LARGE = 10
"""The two large folders have one in so many of the items each."""
_REPEATED = ("name_key", "natural_key", "created_at", "last_edited_at", "file_size", "is_tombstone", "is_placeholder")
_BATCH = 10_000


async def share_and_publish(database: Database) -> None:
    """Share a part of all items, one into each folder in turn, and make a part of all folders public."""
    numbered = sa.func.row_number().over(order_by=items.c.uuid).label("number")
    some = sa.select(items, numbered).subquery("numbered_items")
    all_folders = sa.select(folders.c.uuid, sa.func.row_number().over(order_by=folders.c.uuid).label("number"))
    targets = all_folders.subquery("numbered_folders")
    count = sa.select(sa.func.count()).select_from(folders).scalar_subquery()
    is_target = targets.c.number == 1 + (some.c.number / PART) % count
    shares = (
        _shares(some, targets.c.uuid)
        .join(targets, is_target)
        .where(some.c.number % PART == 0, some.c.folder_uuid != targets.c.uuid)
    )
    child = folders.alias("child")
    is_leaf = ~sa.exists().where(child.c.parent_uuid == folders.c.uuid)
    public = sa.select(targets.c.uuid).where(targets.c.number % PART == 0)
    async with database.writing() as transaction:
        await transaction.execute(_insert(shares))
        await _mark_shares(transaction)
        publish = sa.update(folders).where(folders.c.uuid.in_(public), is_leaf)
        await transaction.execute(publish.values(is_public=True, visibility=FolderVisibility.PUBLIC))


async def add_large_folders(database: Database, count: int) -> tuple[UUID, UUID]:
    """Add a folder with so many items of its own, and one into which all of these are shared."""
    own, other, batch = uuid7(), uuid7(), min(count, _BATCH)
    root = sa.select(folders).where(folders.c.parent_uuid.is_(None)).order_by(folders.c.path).limit(1)
    async with database.writing() as transaction:
        top = await transaction.single(root, FolderRecord)
        for uuid in (own, other):
            place = {"uuid": uuid, "parent_uuid": top.uuid, "path": path_of(top.path, uuid)}
            await transaction.execute(
                sa.insert(folders), [new_row(FolderRecord, name="large", name_key="large", **place)]
            )
            counters = new_row(FolderCountersRecord, folder_uuid=uuid, files=count)
            await transaction.execute(sa.insert(folder_counters), [counters])
        is_listed = sa.and_(~items.c.is_tombstone, ~items.c.is_placeholder)
        chosen = sa.select(items).where(is_listed).order_by(items.c.uuid).limit(batch)
        for row in await transaction.rows(chosen, sa.Row):
            copied = {**row._mapping, "folder_uuid": own, "linked_folder_uuid": None, "is_shared": True}
            copies = [new_row(ItemRecord, **{**copied, "uuid": uuid7()}) for _ in range(count // batch)]
            await bulk_insert(transaction.connection, items, copies)
        await transaction.execute(
            _insert(_shares(items, sa.literal(other, sa.Uuid())).where(items.c.folder_uuid == own))
        )
        await _mark_shares(transaction)
    return own, other


def _shares(source: sa.FromClause, folder_uuid: sa.ColumnElement[Any]) -> sa.Select[Any]:
    repeated = [source.c[name] for name in _REPEATED]
    return sa.select(source.c.uuid, folder_uuid, source.c.created_at.label("shared_at"), *repeated).select_from(source)


def _insert(shares: sa.Select[Any]) -> sa.Insert:
    return sa.insert(item_shares).from_select(["item_uuid", "folder_uuid", "shared_at", *_REPEATED], shares)


async def _mark_shares(transaction: Transaction) -> None:
    """Set what says that items and folders have shares, as sharing does."""
    shared = item_shares.alias()
    has_own = folders.c.uuid.in_(sa.select(shared.c.folder_uuid))
    places = await transaction.rows(sa.select(folders.c.path).where(has_own), sa.Row)
    marked = {uuid for place in places for uuid in ancestors(place.path)}
    is_shared = items.c.uuid.in_(sa.select(shared.c.item_uuid))
    counted = sa.select(sa.func.count()).where(shared.c.folder_uuid == folder_counters.c.folder_uuid)
    await transaction.execute(sa.update(folders).where(in_keys(folders.c.uuid, marked)).values(has_shares=True))
    await transaction.execute(sa.update(items).where(is_shared, ~items.c.is_shared).values(is_shared=True))
    await transaction.execute(sa.update(folder_counters).values(shared_items=counted.scalar_subquery()))
