"""Folders and items that jobs copy with their trees, while the jobs run."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.models.base import enum_type, table_of

_WAITING = sa.text("copy_uuid IS NULL")
"""The condition of an index, and so of the statements that use it on SQLite."""


class FolderCopyStep(StrEnum):
    """The next step for a folder of a tree that is copied."""

    FOLDER = "FOLDER"
    ITEMS = "ITEMS"
    SHARES = "SHARES"
    DONE = "DONE"


class FolderCopyRecord(SQLModel, table=True):
    """A folder that a job copies.

    No key refers to folders: both can be deleted while the job runs.

    Attributes:
        parent_uuid: the folder above, which the job copies, too, unless this is the top.
        depth: number of folders of the tree that are above.
        copy_uuid: the copy, once it exists.
        last_created_at: when the last item was created that this step has come to.
        last_item_uuid: that item.
    """

    __tablename__ = "folder_copies"
    __table_args__ = (
        sa.Index("ix_folder_copies_step", "job_uuid", "step", "depth", "folder_uuid"),
        {"sqlite_with_rowid": False},
    )
    job_uuid: UUID = Field(primary_key=True, foreign_key="jobs.uuid", ondelete="CASCADE")
    folder_uuid: UUID = Field(primary_key=True)
    parent_uuid: UUID | None = None
    depth: int = 0
    step: FolderCopyStep = Field(default=FolderCopyStep.FOLDER, sa_type=enum_type(FolderCopyStep))
    copy_uuid: UUID | None = None
    last_created_at: datetime | None = None
    last_item_uuid: UUID | None = None


class ItemCopyRecord(SQLModel, table=True):
    """An item that a job has copied with its folder, or a group that it will copy.

    Groups wait until all that can be their members is copied.

    Attributes:
        copy_uuid: the copy; None for groups that wait.
        folder_uuid: the folder for the copy of a group.
        is_data_group: whether it is a group that can have other groups as members.
    """

    __tablename__ = "item_copies"
    __table_args__ = (
        sa.Index(
            "ix_item_copies_waiting",
            "job_uuid",
            "is_data_group",
            "item_uuid",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        {"sqlite_with_rowid": False},
    )
    job_uuid: UUID = Field(primary_key=True, foreign_key="jobs.uuid", ondelete="CASCADE")
    item_uuid: UUID = Field(primary_key=True)
    copy_uuid: UUID | None = None
    folder_uuid: UUID | None = None
    is_data_group: bool = False


folder_copies = table_of(FolderCopyRecord)
item_copies = table_of(ItemCopyRecord)
