"""The append-only record of who changed what, when, and the folders in whose journals it stands."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.models.base import Json, now, table_of


class ChangeRecord(SQLModel, table=True):
    """One change of one object, with what was different before and after, in short.

    The object lies directly in `folder_uuid`, and did in `from_folder_uuid` if it was moved.
    """

    __tablename__ = "changes"
    __table_args__ = (sa.Index("ix_changes_object_uuid", "object_uuid", "uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    user_uuid: UUID | None = None
    action: str
    object_type: str
    object_uuid: UUID
    folder_uuid: UUID | None = None
    from_folder_uuid: UUID | None = None
    before: dict[str, Any] | None = Field(default=None, sa_type=Json)
    after: dict[str, Any] | None = Field(default=None, sa_type=Json)
    created_at: datetime = Field(default_factory=now)


class ChangePlaceRecord(SQLModel, table=True):
    """That a change stands in the journal of a folder, which may be gone by now."""

    __tablename__ = "change_places"
    __table_args__ = ({"sqlite_with_rowid": False},)
    folder_uuid: UUID = Field(primary_key=True)
    change_uuid: UUID = Field(primary_key=True)


changes = table_of(ChangeRecord)
change_places = table_of(ChangePlaceRecord)
