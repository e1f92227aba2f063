"""Collections of items and filter presets: both belong to a folder, whose roles apply to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Json, Key, table_of


class CollectionRecord(SQLModel, table=True):
    """A collection of items, in any folders."""

    __tablename__ = "collections"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    top_level_folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE", index=True)
    name: str
    name_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class CollectionItemRecord(SQLModel, table=True):
    """An item in a collection."""

    __tablename__ = "collection_items"
    __table_args__ = (
        sa.Index("ix_collection_items_created_at", "collection_uuid", "created_at", "item_uuid"),
    )
    collection_uuid: UUID = Field(
        primary_key=True, foreign_key="collections.uuid", ondelete="CASCADE"
    )
    item_uuid: UUID = Field(
        primary_key=True, foreign_key="items.uuid", ondelete="CASCADE", index=True
    )
    created_at: datetime = Field(default_factory=now)


class FilterPresetRecord(SQLModel, table=True):
    """A named filter of items, as clients send it."""

    __tablename__ = "filter_presets"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    top_level_folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE", index=True)
    name: str
    name_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    filter: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(default_factory=now)


collections = table_of(CollectionRecord)
collection_items = table_of(CollectionItemRecord)
filter_presets = table_of(FilterPresetRecord)
