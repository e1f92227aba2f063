"""Folders and their tree, counters of folders, and grants on folders."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import FolderVisibility, PhiPolicy, StorageFolderType, StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import Json, Key, enum_type, table_of


class FolderRecord(SQLModel, table=True):
    """A folder.

    Attributes:
        path: ids from the root down to the folder, derived from `parent_uuid`; for subtrees.
        remote_url: the bucket, or prefix of one, that the folder mirrors.
        metadata_ingestion: which files of the bucket are sidecars, if any.
        auto_sync: whether the folder is synced regularly.
        auto_sync_hours: the interval of these syncs.
        include_other_files: whether objects whose extension does not indicate a kind are mirrored.
        synced_item_type: the kind of all objects that are mirrored; None if each has its own.
        include_patterns: patterns of which keys must match one, if there are any.
        exclude_patterns: patterns of which keys must match none.
        phi_policy: the folder's own policy; None if it has that of the folder above.
        is_masked: the policy in effect: whether the folder or one above it is MASKED.
        visibility: the folder's own; None if it has that of the folder above.
        is_public: the visibility in effect: whether every signed-in user sees the folder. That of
            a deleted folder is false.
        has_shares: whether items may be shared into the folder or one below it. It is set with the
            first of them, and stays: lists look for shares only where it is true.
    """

    __tablename__ = "folders"
    __table_args__ = (
        *(
            sa.Index(f"ix_folders_parent_uuid_{column}", "parent_uuid", column, "uuid")
            for column in ("name_key", "created_at", "last_edited_at")
        ),
        *(
            sa.Index(f"ix_folders_{column}", column, "uuid")
            for column in ("created_at", "last_edited_at")
        ),
        # A URL can be longer than the entries of a B-tree.
        sa.Index("ix_folders_remote_url", "remote_url", postgresql_using="hash"),
        # Tells at once that nothing is masked, which is so on most sites.
        sa.Index(
            "ix_folders_is_masked",
            "path",
            sqlite_where=sa.text("is_masked = 1"),
            postgresql_where=sa.text("is_masked"),
        ),
        # The few private folders that public ones may have.
        sa.Index(
            "ix_folders_private",
            "parent_uuid",
            sqlite_where=sa.text("visibility = 'PRIVATE'"),
            postgresql_where=sa.text("visibility = 'PRIVATE'"),
        ),
        # The few public folders, in the order of lists; it tells at once that there are none.
        sa.Index(
            "ix_folders_is_public",
            "name_key",
            "uuid",
            sqlite_where=sa.text("is_public = 1"),
            postgresql_where=sa.text("is_public"),
        ),
        sa.Index(
            "ix_folders_has_shares",
            "path",
            sqlite_where=sa.text("has_shares = 1"),
            postgresql_where=sa.text("has_shares"),
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    parent_uuid: UUID | None = Field(default=None, foreign_key="folders.uuid")
    path: str = Field(sa_type=Key, unique=True)
    name: str
    name_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    client_metadata: dict[str, Any] | None = Field(default=None, sa_type=Json)
    folder_type: StorageFolderType = Field(
        default=StorageFolderType.GENERIC, sa_type=enum_type(StorageFolderType)
    )
    integration_uuid: UUID | None = Field(
        default=None, foreign_key="cloud_integrations.uuid", index=True
    )
    remote_url: str | None = Field(default=None, sa_type=sa.Text)
    metadata_ingestion: dict[str, Any] | None = Field(default=None, sa_type=Json)
    auto_sync: bool = False
    auto_sync_hours: int = 24
    include_other_files: bool = False
    synced_item_type: StorageItemType | None = Field(
        default=None, sa_type=enum_type(StorageItemType)
    )
    include_patterns: list[str] = Field(default_factory=list, sa_type=Json)
    exclude_patterns: list[str] = Field(default_factory=list, sa_type=Json)
    phi_policy: PhiPolicy | None = Field(default=None, sa_type=enum_type(PhiPolicy))
    is_masked: bool = False
    visibility: FolderVisibility | None = Field(default=None, sa_type=enum_type(FolderVisibility))
    is_public: bool = False
    has_shares: bool = False
    owner_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    offered_to_uuid: UUID | None = None
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class FolderCountersRecord(SQLModel, table=True):
    """Counts of what is directly in a folder; `total_size` and `older_size` in bytes.

    Items count in their own folders, and as `shared_items` in the others that they are in.
    `older_size` is that of the files that only older revisions of the items have.
    """

    __tablename__ = "folder_counters"
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    files: int = Field(default=0, sa_type=sa.BigInteger)
    folders: int = Field(default=0, sa_type=sa.BigInteger)
    videos: int = Field(default=0, sa_type=sa.BigInteger)
    images: int = Field(default=0, sa_type=sa.BigInteger)
    groups: int = Field(default=0, sa_type=sa.BigInteger)
    image_groups: int = Field(default=0, sa_type=sa.BigInteger)
    image_sequences: int = Field(default=0, sa_type=sa.BigInteger)
    dicom_files: int = Field(default=0, sa_type=sa.BigInteger)
    dicom_series: int = Field(default=0, sa_type=sa.BigInteger)
    audios: int = Field(default=0, sa_type=sa.BigInteger)
    time_series: int = Field(default=0, sa_type=sa.BigInteger)
    niftis: int = Field(default=0, sa_type=sa.BigInteger)
    plain_texts: int = Field(default=0, sa_type=sa.BigInteger)
    pdfs: int = Field(default=0, sa_type=sa.BigInteger)
    scenes: int = Field(default=0, sa_type=sa.BigInteger)
    other_files: int = Field(default=0, sa_type=sa.BigInteger)
    tombstones: int = Field(default=0, sa_type=sa.BigInteger)
    placeholders: int = Field(default=0, sa_type=sa.BigInteger)
    upload_jobs: int = Field(default=0, sa_type=sa.BigInteger)
    total_size: int = Field(default=0, sa_type=sa.BigInteger)
    shared_items: int = Field(default=0, sa_type=sa.BigInteger)
    older_size: int = Field(default=0, sa_type=sa.BigInteger)


class FolderGrantRecord(SQLModel, table=True):
    """A role of a group or a user on a folder and everything below it.

    Attributes:
        sees_phi: whether they see identities there where the policy is MASKED.
    """

    __tablename__ = "folder_grants"
    __table_args__ = (
        sa.CheckConstraint("(group_uuid IS NULL) <> (user_uuid IS NULL)", name="one_holder"),
        sa.UniqueConstraint("folder_uuid", "group_uuid"),
        sa.UniqueConstraint("folder_uuid", "user_uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    group_uuid: UUID | None = Field(
        default=None, foreign_key="groups.uuid", ondelete="CASCADE", index=True
    )
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="CASCADE", index=True
    )
    role: StorageUserRole = Field(sa_type=enum_type(StorageUserRole))
    sees_phi: bool = False
    created_at: datetime = Field(default_factory=now)


class LeavingFolderRecord(SQLModel, table=True):
    """A deleted folder whose rows a job has not removed yet; nobody sees it or its contents.

    Its items that are shared into other folders stay there, unless it `takes_shared` ones along.
    """

    __tablename__ = "leaving_folders"
    __table_args__ = ({"sqlite_with_rowid": False},)
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    job_uuid: UUID = Field(index=True)
    takes_shared: bool = False


folders = table_of(FolderRecord)
folder_counters = table_of(FolderCountersRecord)
folder_grants = table_of(FolderGrantRecord)
leaving_folders = table_of(LeavingFolderRecord)
