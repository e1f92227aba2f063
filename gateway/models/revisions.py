"""Revisions of items, and the files that each of them consists of.

An item that has only ever had one file has no rows here. Its first revision and the file are then
read from the row of the item, and both have the UUID of the item, which they keep when rows are
added: `gateway.catalog.revisions` adds them before a second file or revision.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import StorageLocationName
from gateway.models.base import Json, Key, enum_type, table_of


class ItemRevisionRecord(SQLModel, table=True):
    """A state of an item's files; the one with the highest number is the head.

    Attributes:
        client_metadata: the item's metadata when a newer revision replaced this one; None for the
            head, which has that of the item.
        file_count: number of its files.
        file_size: size of its files in bytes.
    """

    __tablename__ = "item_revisions"
    __table_args__ = (sa.UniqueConstraint("item_uuid", "number"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    item_uuid: UUID = Field(foreign_key="items.uuid", ondelete="CASCADE")
    number: int
    created_at: datetime = Field(default_factory=now)
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    changes: str = ""
    client_metadata: dict[str, Any] | None = Field(default=None, sa_type=Json)
    file_count: int = 0
    file_size: int = Field(default=0, sa_type=sa.BigInteger)


class BitstreamRecord(SQLModel, table=True):
    """A file of one or more consecutive revisions of an item.

    Attributes:
        first_revision: the number of the oldest revision that has the file.
        last_revision: the number of the newest one; None as long as that is the head.
        position: its position among the files of each revision.
        object_key: the stored object with its bytes; None if they are elsewhere.
        is_lost: whether these bytes are lost.
        is_thumbnail: whether it was chosen as the picture that represents the item.
        facts: the columns of the item that a typed file had when it was replaced.
    """

    __tablename__ = "bitstreams"
    __table_args__ = (
        sa.Index("ix_bitstreams_item_uuid", "item_uuid", "last_revision", "position", "uuid"),
        sa.Index(
            "uq_bitstreams_item_uuid_name",
            "item_uuid",
            "name",
            unique=True,
            sqlite_where=sa.text("last_revision IS NULL"),
            postgresql_where=sa.text("last_revision IS NULL"),
        ),
        sa.Index(
            "ix_bitstreams_thumbnail",
            "item_uuid",
            sqlite_where=sa.text("is_thumbnail = 1"),
            postgresql_where=sa.text("is_thumbnail"),
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    item_uuid: UUID = Field(foreign_key="items.uuid", ondelete="CASCADE")
    first_revision: int
    last_revision: int | None = None
    position: int
    name: str
    mime_type: str | None = None
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    sha256: str | None = None
    object_key: str | None = Field(
        default=None, sa_type=Key, foreign_key="stored_objects.key", index=True
    )
    url: str = Field(sa_type=sa.Text)
    storage_location: StorageLocationName = Field(
        default=StorageLocationName.STOREGRAPH, sa_type=enum_type(StorageLocationName)
    )
    integration_uuid: UUID | None = Field(
        default=None, foreign_key="cloud_integrations.uuid", index=True
    )
    is_lost: bool = False
    is_thumbnail: bool = False
    source_modified_at: datetime | None = None
    facts: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(default_factory=now)


item_revisions = table_of(ItemRevisionRecord)
bitstreams = table_of(BitstreamRecord)
