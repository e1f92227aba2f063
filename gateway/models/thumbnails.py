"""Thumbnails of files, for each content and frame."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import ThumbnailUnavailableReason
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import Key, enum_type, table_of


class ThumbnailRecord(SQLModel, table=True):
    """The thumbnails of a frame in all sizes, or the reason why there are none.

    They belong to a stored object, which items share, or to an item whose file is elsewhere.

    Attributes:
        source_key: The stored object, of whose bytes they are thumbnails.
        item_uuid: The item, if its file is not in the gateway's own store.
        item_type: The kind of item as which the file is drawn.
        frame: The number of the frame from 0, or `COVER`.
        object_key: Beginning of the keys of their own objects, one for each size.
        width: Width of the largest in pixels; None until they are made.
        height: Height of the largest in pixels; None until they are made.
        unavailable_reason: The reason why they are not made; None once they are.
        attempted_at: When a worker last began to make them.
    """

    __tablename__ = "thumbnails"
    __table_args__ = (
        sa.UniqueConstraint("source_key", "item_type", "frame"),
        sa.UniqueConstraint("item_uuid", "frame"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    source_key: str | None = Field(default=None, sa_type=Key, foreign_key="stored_objects.key")
    item_uuid: UUID | None = Field(default=None, foreign_key="items.uuid")
    item_type: StorageItemType = Field(sa_type=enum_type(StorageItemType))
    frame: int
    object_key: str = Field(sa_type=Key, index=True)
    width: int | None = None
    height: int | None = None
    unavailable_reason: ThumbnailUnavailableReason | None = Field(
        default=ThumbnailUnavailableReason.PENDING, sa_type=enum_type(ThumbnailUnavailableReason)
    )
    attempted_at: datetime = Field(default_factory=now)


thumbnails = table_of(ThumbnailRecord)
