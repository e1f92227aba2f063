"""Items that outlive their folder: they are shared into others, of which the earliest becomes home.

Until a step of the deletion has given them this home, they can be read at their other folders.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import masked_to
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_staying
from gateway.catalog.items import move_items
from gateway.catalog.ledger.shares import shares_of
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.models.folders import FolderRecord, LeavingFolderRecord, folders, leaving_folders
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord
from gateway.models.shares import item_shares, kept_items

_home, _place = folders.alias("home"), folders.alias("place")


class _Total(NamedTuple):
    total: int


def is_shared_outside(top: FolderRecord, item: sa.FromClause = items) -> sa.ColumnElement[bool]:
    """Return the condition that an item is shared into a folder outside a tree; it outlives it."""
    share, place = item_shares.alias(), folders.alias()
    outside = (
        sa.exists()
        .select_from(share.join(place, place.c.uuid == share.c.folder_uuid))
        .where(
            share.c.item_uuid == item.c.uuid,
            ~within(place.c.path, top.path),
            is_staying(place.c.uuid),
        )
    )
    return sa.and_(item.c.is_shared, outside)


async def kept_count(transaction: Transaction, top: FolderRecord) -> int:
    """Return the number of items that would outlive a tree."""
    kept = (
        sa.select(sa.func.count().label("total"))
        .select_from(items.join(_home, _home.c.uuid == items.c.folder_uuid))
        .where(within(_home.c.path, top.path), is_shared_outside(top))
    )
    return (await transaction.single(kept, _Total)).total


async def leads_out_of_masked_tree(
    transaction: Transaction, viewer: Viewer, top: FolderRecord
) -> bool:
    """Return whether items would get out of a tree that is masked to the viewer, outliving it.

    It stays within the tree if a masked folder is above both of its folders.
    """
    if viewer.is_site_admin and viewer.sees_phi:
        return False
    share, above = item_shares, folders.alias("above")
    in_one_tree = sa.exists().where(
        above.c.is_masked, within(_home.c.path, above.c.path), within(_place.c.path, above.c.path)
    )
    leading = (
        sa.select(items)
        .join(_home, _home.c.uuid == items.c.folder_uuid)
        .join(share, share.c.item_uuid == items.c.uuid)
        .join(_place, _place.c.uuid == share.c.folder_uuid)
        .where(items.c.is_shared, *masked_to(viewer, _home), within(_home.c.path, top.path))
        .where(~within(_place.c.path, top.path), is_staying(_place.c.uuid))
        .where(~sa.and_(*masked_to(viewer, _place), in_one_tree))
        .limit(1)
    )
    return await transaction.first(leading, ItemRecord) is not None


async def keep_items(
    transaction: Transaction, job: JobRecord, rows: Sequence[ItemRecord]
) -> Collection[UUID]:
    """Give those of some locked items that outlive their folder a new home; return which did.

    All of these have the same new home: counters are locked in the order of the folders, and last.
    The caller has locked the tree.
    """
    taking = sa.select(leaving_folders).where(
        in_keys(leaving_folders.c.folder_uuid, {row.folder_uuid for row in rows}),
        leaving_folders.c.takes_shared,
    )
    taken = {row.folder_uuid for row in await transaction.rows(taking, LeavingFolderRecord)}
    staying = [row for row in rows if row.folder_uuid not in taken]
    homes: dict[UUID, UUID] = {}
    for share in await shares_of(transaction, staying, is_staying(item_shares.c.folder_uuid)):
        homes.setdefault(share.item_uuid, share.folder_uuid)
    if not homes:
        return ()
    home = min(homes.values())
    kept = [row for row in staying if homes.get(row.uuid) == home]
    await move_items(transaction, job.user_uuid, kept, home)
    entries = [{"job_uuid": job.uuid, "item_uuid": row.uuid, "folder_uuid": home} for row in kept]
    await transaction.execute(sa.insert(kept_items), entries)
    return [row.uuid for row in kept]
