"""Thumbnails follow files: they are requested when an item is finished, and deleted with its file.

A task makes them; see `gateway.catalog.thumbnails`.
"""

from collections.abc import Iterable, Sequence
from typing import NotRequired, TypedDict

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import ITEM_KINDS
from gateway.kinds.thumbnail_sizes import COVER, ThumbnailSize
from gateway.models.items import ItemRecord
from gateway.models.thumbnails import ThumbnailRecord, thumbnails
from gateway.queues.base import Queue, TaskType


class MakeThumbnailsArgs(TypedDict):
    """Arguments of `MAKE_THUMBNAILS`: items, and a frame or `COVER`.

    `tries` is the number of failed attempts before this one.
    """

    items: list[str]
    frame: int
    tries: NotRequired[int]


MAKE_THUMBNAILS = TaskType("make_thumbnails", MakeThumbnailsArgs)


async def enqueue_covers(
    transaction: Transaction, queue: Queue, rows: Iterable[ItemRecord]
) -> None:
    """Enqueue the thumbnails of items whose files are in the gateway's own store.

    Files elsewhere are drawn when someone asks for it: reading them may cost their owner money.
    """
    uuids = [row.uuid.hex for row in rows if row.object_key and ITEM_KINDS[row.item_type].drawer]
    if uuids:
        args = MakeThumbnailsArgs(items=uuids, frame=COVER)
        await queue.enqueue(transaction, MAKE_THUMBNAILS, args)


async def delete_thumbnails(
    transaction: Transaction, condition: sa.ColumnElement[bool]
) -> list[str]:
    """Delete the thumbnails that a condition selects, and return the keys of their objects."""
    deleted = sa.delete(thumbnails).where(condition).returning(thumbnails.c.object_key)
    rows: Sequence[ThumbnailRecord] = await transaction.rows(deleted, ThumbnailRecord)
    return [key for row in rows for key in thumbnail_keys(row.object_key)]


def thumbnail_key(object_key: str, size: ThumbnailSize) -> str:
    """Return the key of the object of one size."""
    return f"{object_key}-{size.lower()}"


def thumbnail_keys(object_key: str) -> list[str]:
    """Return the keys of all objects that thumbnails may have."""
    return [thumbnail_key(object_key, size) for size in ThumbnailSize]
