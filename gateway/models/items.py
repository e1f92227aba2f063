"""Items of all kinds, stored objects with their bytes, and members of groups."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import Json, Key, KeyString, enum_type, table_of


class StoredObjectRecord(SQLModel, table=True):
    """Bytes in Storegraph's object store, once per content and uploader.

    Uploaders share no objects, as a key shows whether the same bytes were uploaded before.
    `is_leaving` is set before the bytes are removed. `crc32` is what archives state; a task fills
    in those of objects that were stored before it was kept.
    """

    __tablename__ = "stored_objects"
    __table_args__ = (
        sa.Index(
            "uq_stored_objects_sha256_uploader_uuid",
            "sha256",
            "uploader_uuid",
            unique=True,
            sqlite_where=sa.text("NOT is_leaving"),
            postgresql_where=sa.text("NOT is_leaving"),
        ),
        # Tells at once that none is missing.
        sa.Index(
            "ix_stored_objects_without_crc32",
            "key",
            sqlite_where=sa.text("crc32 IS NULL AND NOT is_leaving"),
            postgresql_where=sa.text("crc32 IS NULL AND NOT is_leaving"),
        ),
    )
    key: str = Field(sa_type=Key, primary_key=True)
    sha256: str
    uploader_uuid: UUID | None = None
    file_size: int = Field(sa_type=sa.BigInteger)
    crc32: int | None = Field(default=None, sa_type=sa.BigInteger)
    is_leaving: bool = False
    created_at: datetime = Field(default_factory=now)


_FLAGS = ("is_tombstone", "is_placeholder")
"""Behind the keys of an index, so that pages of many folders are merged from indexes alone."""
_ORDERS = "name_key", "natural_key", "created_at", "last_edited_at"
_NULLABLE_ORDERS = "file_size", "duration", "width", "height"
_UIDS = ("dicom_study_uid", "dicom_series_uid", "dicom_instance_uid")


def _index_of_present(column: str, *others: str) -> sa.Index:
    """Return an index of the items in which a column, null in most, has a value."""
    present = sa.text(f"{column} IS NOT NULL")
    name = f"ix_items_{column}"
    return sa.Index(name, column, *others, sqlite_where=present, postgresql_where=present)


def _index_of_flagged(column: str) -> sa.Index:
    """Return an index of the few items in which a flag is set, by name."""
    name = f"ix_items_{column}"
    return sa.Index(
        name,
        "name_key",
        "uuid",
        sqlite_where=sa.text(f"{column} IS 1"),
        postgresql_where=sa.text(f"{column} IS true"),
    )


class ItemRecord(SQLModel, table=True):
    """An item; sizes in bytes and pixels, times in seconds, rates in Hz.

    Attributes:
        source_modified_at: when the file was last modified at its source.
        linked_folder_uuid: the cloud-synced folder whose bucket has the item's object.
        remote_key: key of that object.
        remote_etag: etag of that object when it was last read; it is read again if None.
        probe_version: version of the prober that read the facts; 0 if a client provided them, and
            null if a version did that had no number yet.
        sidecar_etag: etag of the sidecar that `client_metadata` was taken from.
        is_shared: whether the item is in other folders, too; see `gateway.models.shares`.
        revision_number: number of the head; 0 if there has been no file yet.
        file_count: number of the head's files; None if the item has only ever had one file or has
            none of its own, so that it has no rows of revisions.
        is_directory: whether downloads put even a single file into a directory with the item's
            name: the item was created without one, as a place for files.
        older_size: size of the files that only older revisions have, in bytes.
        copy_of_uuid: the item that this one was copied from, which may have been deleted since: no
            key refers to it, so that deletions need not lock copies.
    """

    __tablename__ = "items"
    __table_args__ = (
        *(
            sa.Index(f"ix_items_folder_uuid_{column}", "folder_uuid", column, "uuid", *_FLAGS)
            for column in (*_ORDERS, *_NULLABLE_ORDERS)
        ),
        # Searches across folders: each condition has an index, which also serves an order.
        # Rows without a value are a part of an order, too.
        *(
            sa.Index(f"ix_items_{column}", column, "uuid")
            for column in (*_ORDERS, *_NULLABLE_ORDERS)
        ),
        # Sizes depend on the kind: one kind may have none, or only small ones.
        *(
            sa.Index(f"ix_items_item_type_{column}", "item_type", column, "uuid")
            for column in ("name_key", *_NULLABLE_ORDERS)
        ),
        sa.Index("ix_items_mime_type", "mime_type", "name_key", "uuid"),
        sa.Index("ix_items_owner_uuid", "owner_uuid", "name_key", "uuid"),
        _index_of_present("sha256"),
        *(_index_of_present(column, "name_key", "uuid") for column in _UIDS),
        _index_of_present("orientation", "name_key", "uuid"),
        _index_of_present("copy_of_uuid"),
        *(_index_of_flagged(column) for column in ("is_placeholder", "is_tombstone", "is_shared")),
        # A URL can be longer than the entries of a B-tree.
        sa.Index("ix_items_url", "url", postgresql_using="hash"),
        sa.Index(
            "uq_items_linked_folder_uuid_remote_key",
            "linked_folder_uuid",
            "remote_key",
            unique=True,
            sqlite_where=sa.text("linked_folder_uuid IS NOT NULL"),
            postgresql_where=sa.text("linked_folder_uuid IS NOT NULL"),
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    folder_uuid: UUID = Field(foreign_key="folders.uuid")
    item_type: StorageItemType = Field(sa_type=enum_type(StorageItemType))
    name: str
    name_key: str = Field(sa_type=Key)
    natural_key: str = Field(default="", sa_type=Key)
    description: str = ""
    client_metadata: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    owner_uuid: UUID | None = Field(default=None, foreign_key="users.uuid", ondelete="SET NULL")
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)
    is_tombstone: bool = False
    is_placeholder: bool = False
    is_shared: bool = False
    storage_location: StorageLocationName = Field(
        default=StorageLocationName.STOREGRAPH, sa_type=enum_type(StorageLocationName)
    )
    integration_uuid: UUID | None = Field(
        default=None, foreign_key="cloud_integrations.uuid", index=True
    )
    object_key: str | None = Field(
        default=None, sa_type=Key, foreign_key="stored_objects.key", index=True
    )
    url: str | None = None
    source_modified_at: datetime | None = None
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    mime_type: str | None = Field(default=None, sa_type=KeyString)
    sha256: str | None = None
    duration: float | None = None
    fps: float | None = None
    height: int | None = Field(default=None, sa_type=sa.BigInteger)
    width: int | None = Field(default=None, sa_type=sa.BigInteger)
    orientation: int | None = None
    frame_count: int | None = Field(default=None, sa_type=sa.BigInteger)
    page_count: int | None = Field(default=None, sa_type=sa.BigInteger)
    text_encoding: str | None = None
    audio_sample_rate: int | None = Field(default=None, sa_type=sa.BigInteger)
    audio_bit_depth: int | None = None
    audio_codec: str | None = None
    audio_num_channels: int | None = None
    dicom_instance_uid: str | None = None
    dicom_study_uid: str | None = None
    dicom_series_uid: str | None = None
    probe_warnings: list[str] = Field(default_factory=list, sa_type=Json)
    probe_version: int | None = None
    data_group: dict[str, Any] | None = Field(default=None, sa_type=Json)
    time_series: dict[str, Any] | None = Field(default=None, sa_type=Json)
    time_series_settings: dict[str, Any] | None = Field(default=None, sa_type=Json)
    scene: dict[str, Any] | None = Field(default=None, sa_type=Json)
    scene_view_settings: dict[str, Any] | None = Field(default=None, sa_type=Json)
    scene_layout: dict[str, Any] | None = Field(default=None, sa_type=Json)
    linked_folder_uuid: UUID | None = Field(default=None, foreign_key="folders.uuid")
    remote_key: str | None = Field(default=None, sa_type=Key)
    remote_etag: str | None = None
    remote_modified_at: datetime | None = None
    sidecar_etag: str | None = None
    revision_number: int = 1
    file_count: int | None = None
    is_directory: bool = False
    older_size: int = Field(default=0, sa_type=sa.BigInteger)
    copy_of_uuid: UUID | None = None


class GroupMemberRecord(SQLModel, table=True):
    """A member of a group, at a position from 0.

    The layout of a data group refers to the member by `key`.
    """

    __tablename__ = "group_members"
    __table_args__ = (sa.Index("ix_group_members_item_uuid", "item_uuid", "group_uuid"),)
    group_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    item_uuid: UUID = Field(foreign_key="items.uuid", ondelete="CASCADE")
    key: str | None = None


class GroupFolderRecord(SQLModel, table=True):
    """A folder of which items may be members of groups in another folder."""

    __tablename__ = "group_folders"
    __table_args__ = ({"sqlite_with_rowid": False},)
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    group_folder_uuid: UUID = Field(
        primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE", index=True
    )


stored_objects = table_of(StoredObjectRecord)
items = table_of(ItemRecord)
group_members = table_of(GroupMemberRecord)
group_folders = table_of(GroupFolderRecord)
