"""Objects of Storegraph's own store that are lost, and those that are found again.

Items whose file is lost become tombstones, as those of a bucket do whose object has vanished. They
keep the key, so that they are whole again once an operator has put the object back.
"""

from collections.abc import Collection

import sqlalchemy as sa

from gateway.catalog.items import lock_items, set_tombstones
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.kinds.enums import ThumbnailUnavailableReason
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects
from gateway.models.reencoding import RenditionRecord, renditions
from gateway.models.revisions import bitstreams
from gateway.models.thumbnails import thumbnails
from gateway.models.uploads import uploads

_ITEMS = 500
"""Items that one transaction changes."""


async def mark_lost(database: Database, keys: Collection[str]) -> None:
    """Note that the bytes of stored objects are lost: nothing will refer to them any more.

    Their items become tombstones. Versions of videos that are lost are forgotten, so that they can
    be made again; announced files that were to share the bytes have to be sent.
    """
    async with database.writing() as transaction:
        await _lock_objects(transaction, keys)
        chosen = in_keys(stored_objects.c.key, keys)
        await transaction.execute(sa.update(stored_objects).where(chosen).values(is_leaving=True))
        shared = in_keys(uploads.c.stored_key, keys)
        await transaction.execute(sa.update(uploads).where(shared).values(stored_key=None))
    async with database.writing() as transaction:
        having = in_keys(renditions.c.object_key, keys)
        rows = await transaction.rows(
            sa.select(renditions.c.item_uuid).where(having), RenditionRecord
        )
        locked = await lock_items(transaction, [row.item_uuid for row in rows])
        lost = having & in_keys(renditions.c.item_uuid, [row.uuid for row in locked])
        await transaction.execute(sa.delete(renditions).where(lost))
        entries = [
            JournalEntry(
                "REENCODE", "StorageItem", row.uuid, row.folder_uuid, after={"rendition": None}
            )
            for row in locked
        ]
        await journal.append(transaction, None, entries)
    await _set_tombstones(database, keys, is_tombstone=True)


async def mark_found(database: Database, keys: Collection[str]) -> None:
    """Note that lost bytes are in the store again: tombstones turn back into items.

    New files share the bytes unless their uploader has sent the same bytes again meanwhile.
    """
    async with database.writing() as transaction:
        await _lock_objects(transaction, keys)
        other = stored_objects.alias()
        is_replaced = sa.exists().where(
            other.c.sha256 == stored_objects.c.sha256,
            other.c.uploader_uuid.is_not_distinct_from(stored_objects.c.uploader_uuid),
            other.c.key != stored_objects.c.key,
            ~other.c.is_leaving | in_keys(other.c.key, keys),
        )
        is_used = sa.or_(
            sa.exists().where(items.c.object_key == stored_objects.c.key),
            sa.exists().where(bitstreams.c.object_key == stored_objects.c.key),
        )
        back = in_keys(stored_objects.c.key, keys) & is_used & ~is_replaced
        await transaction.execute(sa.update(stored_objects).where(back).values(is_leaving=False))
    await _set_tombstones(database, keys, is_tombstone=False)


async def forget_thumbnails(transaction: Transaction, beginnings: Collection[str]) -> None:
    """Let thumbnails, by the beginning of their keys, be drawn again when they are requested."""
    made = in_keys(thumbnails.c.object_key, beginnings) & thumbnails.c.unavailable_reason.is_(None)
    values = {
        "width": None,
        "height": None,
        "unavailable_reason": ThumbnailUnavailableReason.PENDING,
    }
    await transaction.execute(sa.update(thumbnails).where(made).values(values))


async def _lock_objects(transaction: Transaction, keys: Collection[str]) -> None:
    """Lock the rows of stored objects, in the order in which all transactions do."""
    rows = sa.select(stored_objects).where(in_keys(stored_objects.c.key, keys))
    ordered = rows.order_by(stored_objects.c.sha256, stored_objects.c.key)
    await transaction.rows(ordered.with_for_update(), StoredObjectRecord)


async def _set_tombstones(database: Database, keys: Collection[str], *, is_tombstone: bool) -> None:
    """Turn the items of stored objects into tombstones or back, some in each transaction.

    An item of which other files are left stays, and only its file is marked.
    """
    async with database.writing() as transaction:
        having = in_keys(bitstreams.c.object_key, keys)
        await transaction.execute(sa.update(bitstreams).where(having).values(is_lost=is_tombstone))
    others = sa.select(items.c.uuid).where(
        in_keys(items.c.object_key, keys), items.c.is_tombstone.is_(not is_tombstone)
    )
    while True:
        async with database.writing() as transaction:
            rows = await transaction.rows(others.limit(_ITEMS), ItemRecord)
            locked = await lock_items(transaction, [row.uuid for row in rows])
            theirs = [row for row in locked if row.object_key in keys]
            await set_tombstones(transaction, None, theirs, is_tombstone)
        if len(rows) < _ITEMS:
            return
