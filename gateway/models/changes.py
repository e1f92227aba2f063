"""The journal: who changed what and when, and the folders whose journals list it."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Json, Key, table_of


class ChangeRecord(SQLModel, table=True):
    """A change of one object, with old and new values of what changed, long texts cut.

    The object is directly in `folder_uuid`; it was moved there from `from_folder_uuid`.
    Rows are never updated or deleted.

    Attributes:
        is_private: whether it tells of what may be private below the folders whose journals list
            it, as a private subfolder is. Of public folders, only those who were given them see it.
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
    is_private: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    created_at: datetime = Field(default_factory=now)


class ChangePlaceRecord(SQLModel, table=True):
    """An entry of a change in the journal of a folder, which may have been deleted since.

    All places of a change have its number in the order of commits.
    """

    __tablename__ = "change_places"
    __table_args__ = (
        sa.Index("ix_change_places_sequence", "sequence", "folder_uuid"),
        sa.Index("ix_change_places_folder_uuid_sequence", "folder_uuid", "sequence"),
        {"sqlite_with_rowid": False},
    )
    folder_uuid: UUID = Field(primary_key=True)
    change_uuid: UUID = Field(primary_key=True)
    sequence: int = Field(
        default=0, sa_type=sa.BigInteger, sa_column_kwargs={"server_default": "0"}
    )


class FormerPlaceRecord(SQLModel, table=True):
    """A place that a folder has had until it, or one above it, was moved.

    Attributes:
        sequence: the number of the first change that found it elsewhere; `FORMER_PENDING` until
            the transaction that moves it is about to commit.
        path: the ids of the folders above it then, and of the folder itself.
        is_public: whether it was public there.
    """

    __tablename__ = "former_places"
    __table_args__ = (sa.Index("ix_former_places_sequence", "sequence"),)
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    sequence: int = Field(primary_key=True, sa_type=sa.BigInteger)
    path: str = Field(sa_type=Key)
    is_public: bool


FORMER_PENDING = 0
"""Number of former places that are yet to be numbered."""
changes = table_of(ChangeRecord)
former_places = table_of(FormerPlaceRecord)
change_places = table_of(ChangePlaceRecord)
