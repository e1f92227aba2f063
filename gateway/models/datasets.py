"""Datasets, data rows, and grants on datasets."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import StorageLocationName, StorageUserRole
from gateway.models.base import Key, enum_type, table_of


class DatasetRecord(SQLModel, table=True):
    """A dataset; one with `backing_folder_uuid` mirrors the items directly in that folder."""

    __tablename__ = "datasets"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    title: str
    title_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    description_key: str = Field(default="", sa_type=Key)
    backing_folder_uuid: UUID | None = Field(default=None, foreign_key="folders.uuid", unique=True)
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class DataRowRecord(SQLModel, table=True):
    """A link of an item to a dataset."""

    __tablename__ = "data_rows"
    __table_args__ = (
        sa.Index("ix_data_rows_dataset_uuid", "dataset_uuid", "created_at", "uuid"),
        sa.Index("ix_data_rows_item_uuid", "item_uuid", "dataset_uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    dataset_uuid: UUID = Field(foreign_key="datasets.uuid", ondelete="CASCADE")
    item_uuid: UUID = Field(foreign_key="items.uuid")
    created_at: datetime = Field(default_factory=now)


class DatasetCountersRecord(SQLModel, table=True):
    """The number of a dataset's data rows whose items are at a storage location."""

    __tablename__ = "dataset_counters"
    __table_args__ = ({"sqlite_with_rowid": False},)
    dataset_uuid: UUID = Field(primary_key=True, foreign_key="datasets.uuid", ondelete="CASCADE")
    storage_location: StorageLocationName = Field(
        primary_key=True, sa_type=enum_type(StorageLocationName)
    )
    data_rows: int = Field(sa_type=sa.BigInteger)


class DatasetFolderRecord(SQLModel, table=True):
    """A folder of which items may be linked to a dataset that does not mirror a folder."""

    __tablename__ = "dataset_folders"
    __table_args__ = ({"sqlite_with_rowid": False},)
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    dataset_uuid: UUID = Field(
        primary_key=True, foreign_key="datasets.uuid", ondelete="CASCADE", index=True
    )


class LeavingDatasetRecord(SQLModel, table=True):
    """A deleted dataset whose data rows a job has not removed yet; nobody sees it or its rows."""

    __tablename__ = "leaving_datasets"
    __table_args__ = ({"sqlite_with_rowid": False},)
    dataset_uuid: UUID = Field(primary_key=True, foreign_key="datasets.uuid", ondelete="CASCADE")


class DatasetGrantRecord(SQLModel, table=True):
    """A role of a group or a user on a dataset."""

    __tablename__ = "dataset_grants"
    __table_args__ = (
        sa.CheckConstraint("(group_uuid IS NULL) <> (user_uuid IS NULL)", name="one_holder"),
        sa.UniqueConstraint("dataset_uuid", "group_uuid"),
        sa.UniqueConstraint("dataset_uuid", "user_uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    dataset_uuid: UUID = Field(foreign_key="datasets.uuid", ondelete="CASCADE")
    group_uuid: UUID | None = Field(
        default=None, foreign_key="groups.uuid", ondelete="CASCADE", index=True
    )
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="CASCADE", index=True
    )
    role: StorageUserRole = Field(sa_type=enum_type(StorageUserRole))
    created_at: datetime = Field(default_factory=now)


datasets = table_of(DatasetRecord)
data_rows = table_of(DataRowRecord)
dataset_counters = table_of(DatasetCountersRecord)
dataset_folders = table_of(DatasetFolderRecord)
leaving_datasets = table_of(LeavingDatasetRecord)
dataset_grants = table_of(DatasetGrantRecord)
