"""Shares: the folders that an item is in besides its own."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.models.base import Key, table_of

_FLAGS = ("is_tombstone", "is_placeholder")


class ItemShareRecord(SQLModel, table=True):
    """An item in a folder that is not its own, where it can be read.

    The columns by which items are ordered are those of the item, so that an index has the shares
    of a folder in each order. A trigger keeps them so.

    Attributes:
        shared_at: when the item was shared into the folder; the earliest share of an item becomes
            its home when its own folder is deleted.
        user_uuid: who shared it.
    """

    __tablename__ = "item_shares"
    __table_args__ = (
        *(
            sa.Index(
                f"ix_item_shares_folder_uuid_{column}", "folder_uuid", column, "item_uuid", *_FLAGS
            )
            for column in ("name_key", "natural_key", "created_at", "last_edited_at", "file_size")
        ),
    )
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    shared_at: datetime = Field(default_factory=now)
    name_key: str = Field(sa_type=Key)
    natural_key: str = Field(sa_type=Key)
    created_at: datetime
    last_edited_at: datetime
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    is_tombstone: bool = False
    is_placeholder: bool = False


class KeptItemRecord(SQLModel, table=True):
    """An item that has outlived its folder, which a job deleted, and the folder it has come to."""

    __tablename__ = "kept_items"
    __table_args__ = ({"sqlite_with_rowid": False},)
    job_uuid: UUID = Field(primary_key=True, foreign_key="jobs.uuid", ondelete="CASCADE")
    item_uuid: UUID = Field(
        primary_key=True, foreign_key="items.uuid", ondelete="CASCADE", index=True
    )
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE", index=True)


item_shares = table_of(ItemShareRecord)
kept_items = table_of(KeptItemRecord)
