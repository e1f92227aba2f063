"""Thumbnails that workers make: which are wanted, and what became of them.

A row is written before anything is stored, so that its objects are known and can be removed
whenever the worker is killed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.ledger.thumbnails import delete_thumbnails, thumbnail_keys
from gateway.clock import now
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.kinds.enums import ThumbnailUnavailableReason
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.thumbnail_sizes import COVER
from gateway.models.base import new_row
from gateway.models.items import StoredObjectRecord, items, stored_objects
from gateway.models.revisions import bitstreams
from gateway.models.thumbnails import ThumbnailRecord, thumbnails
from gateway.queues.base import Queue
from gateway.stores.keys import new_key

MAX_FRAMES = 100
"""Frames of a file, besides its cover, of which thumbnails are kept."""
RETRIED = (ThumbnailUnavailableReason.PENDING, ThumbnailUnavailableReason.STORE_UNREACHABLE)
"""Reasons that a later attempt may end."""


def chosen_picture(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column of the file that was chosen as an item's thumbnail, or null."""
    picture = sa.select(column).where(
        bitstreams.c.item_uuid == items.c.uuid,
        bitstreams.c.is_thumbnail,
        bitstreams.c.last_revision.is_(None),
        ~bitstreams.c.is_lost,
    )
    chosen = picture.limit(1).correlate(items).scalar_subquery()
    return sa.case((items.c.file_count.is_not(None), chosen))


class DrawableItem(NamedTuple):
    """An item with a file of a kind that can be drawn."""

    uuid: UUID
    item_type: StorageItemType
    object_key: str | None
    url: str
    integration_uuid: UUID | None
    file_size: int | None
    time_series: dict[str, Any] | None
    picture_key: str | None
    picture_size: int | None

    @property
    def source(self) -> tuple[str | UUID, StorageItemType]:
        """The file that is drawn, and as what."""
        return self.object_key or self.uuid, self.item_type

    @property
    def drawn(self) -> "DrawableItem":
        """The item as if the picture that was chosen for it were its file."""
        if self.picture_key is None:
            return self
        return self._replace(
            item_type=StorageItemType.IMAGE,
            object_key=self.picture_key,
            file_size=self.picture_size,
            url="",
            integration_uuid=None,
        )


@dataclass(frozen=True, slots=True)
class WantedThumbnail:
    """A thumbnail to be made, of any of the items that share it."""

    row: ThumbnailRecord
    item: DrawableItem


async def begin_thumbnails(
    transaction: Transaction, queue: Queue, uuids: Collection[UUID], frame: int
) -> list[WantedThumbnail]:
    """Return the thumbnails of a frame of these items that are still to be made.

    Items that were deleted or cannot be drawn are passed over.
    """
    drawn = [item_type for item_type, kind in ITEM_KINDS.items() if kind.drawer]
    picture = chosen_picture(bitstreams.c.object_key)
    chosen = (
        sa.select(
            *(items.c[name] for name in DrawableItem._fields[:-2]),
            picture.label("picture_key"),
            chosen_picture(bitstreams.c.file_size).label("picture_size"),
        )
        .where(
            in_keys(items.c.uuid, uuids),
            sa.or_(
                sa.and_(items.c.item_type.in_(drawn), items.c.url.is_not(None)),
                picture.is_not(None),
            ),
            ~items.c.is_tombstone,
        )
        .order_by(items.c.uuid)
        .with_for_update(read=True, key_share=True)
    )
    rows = [DrawableItem(*row).drawn for row in await transaction.rows(chosen, DrawableItem)]
    by_source = {item.source: item for item in rows}
    await _insert_missing(transaction, list(by_source.values()), frame)
    keys = {item.object_key for item in by_source.values() if item.object_key}
    elsewhere = {item.uuid for item in by_source.values() if not item.object_key}
    pending = sa.select(thumbnails).where(
        in_keys(thumbnails.c.source_key, keys) | in_keys(thumbnails.c.item_uuid, elsewhere),
        thumbnails.c.frame == frame,
        thumbnails.c.unavailable_reason.in_(RETRIED),
    )
    wanted = [
        WantedThumbnail(row, item)
        for row in await transaction.rows(pending, ThumbnailRecord)
        if (item := by_source.get((row.source_key or row.item_uuid or "", row.item_type)))
    ]
    begun = in_keys(thumbnails.c.uuid, [each.row.uuid for each in wanted])
    await transaction.execute(sa.update(thumbnails).where(begun).values(attempted_at=now()))
    if frame != COVER:
        await _forget_old_frames(transaction, queue, wanted)
    return wanted


async def save_thumbnail(
    transaction: Transaction, queue: Queue, row: ThumbnailRecord, width: int, height: int
) -> None:
    """Note that thumbnails are stored; if their file was deleted meanwhile, remove them again."""
    values = {"width": width, "height": height, "unavailable_reason": None}
    if not await _update(transaction, row, values):
        await release_objects(transaction, queue, thumbnail_keys(row.object_key))


async def refuse_thumbnail(
    transaction: Transaction, row: ThumbnailRecord, reason: ThumbnailUnavailableReason
) -> None:
    """Note why thumbnails cannot be made."""
    await _update(transaction, row, {"unavailable_reason": reason})


async def _update(
    transaction: Transaction, row: ThumbnailRecord, values: Mapping[str, object]
) -> bool:
    """Change a row, and return whether it is still there."""
    changed = sa.update(thumbnails).where(thumbnails.c.uuid == row.uuid).values(values)
    return bool(await transaction.rows(changed.returning(thumbnails.c.uuid), ThumbnailRecord))


async def _insert_missing(
    transaction: Transaction, wanted: Sequence[DrawableItem], frame: int
) -> None:
    """Insert rows where there are none, in one order in all transactions.

    Objects are locked first, so that they are not removed before their thumbnails are known.
    """
    usable = (
        sa.select(stored_objects)
        .where(
            in_keys(stored_objects.c.key, {each.object_key for each in wanted if each.object_key}),
            ~stored_objects.c.is_leaving,
        )
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True)
    )
    present = {row.key for row in await transaction.rows(usable, StoredObjectRecord)}
    rows = [
        new_row(
            ThumbnailRecord,
            source_key=item.object_key,
            item_uuid=None if item.object_key else item.uuid,
            item_type=item.item_type,
            frame=frame,
            object_key=new_key(),
        )
        for item in sorted(wanted, key=lambda item: (item.object_key or "", item.uuid))
        if not item.object_key or item.object_key in present
    ]
    if rows:
        insert = upsert(transaction.connection, thumbnails).on_conflict_do_nothing()
        await transaction.execute(insert, rows)


async def _forget_old_frames(
    transaction: Transaction, queue: Queue, wanted: Sequence[WantedThumbnail]
) -> None:
    """Delete the thumbnails of frames that were requested longest ago, beyond `MAX_FRAMES`."""
    for each in wanted:
        is_sibling = sa.and_(
            thumbnails.c.source_key.is_not_distinct_from(each.row.source_key),
            thumbnails.c.item_uuid.is_not_distinct_from(each.row.item_uuid),
            thumbnails.c.frame != COVER,
        )
        surplus = (
            sa.select(thumbnails.c.uuid)
            .where(is_sibling)
            .order_by(thumbnails.c.uuid.desc())
            .offset(MAX_FRAMES)
        )
        rows = await transaction.rows(surplus, ThumbnailRecord)
        old = in_keys(thumbnails.c.uuid, [row.uuid for row in rows])
        await release_objects(transaction, queue, await delete_thumbnails(transaction, old))
