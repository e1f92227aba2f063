"""Sync jobs, which bring folders into line with the buckets that they mirror."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.kinds.enums import CloudSyncJobStatus, SkippedObjectReason
from gateway.models.base import Json, Key, enum_type, now, table_of


class CloudSyncJobRecord(SQLModel, table=True):
    """A sync of a folder.

    Attributes:
        ends_as: the status once no part of the sync runs any more.
        cursor: the cloud's own cursor of the next page of the listing.
        listed_count: keys that the listing has returned so far, of whatever use.
        reach: the key up to which vanished objects have been looked for.
        sequence: grows with each visible change.
    """

    __tablename__ = "cloud_sync_jobs"
    __table_args__ = (
        sa.Index("ix_cloud_sync_jobs_folder_uuid_created_at", "folder_uuid", "created_at", "uuid"),
        sa.Index(
            "uq_cloud_sync_jobs_folder_uuid",
            "folder_uuid",
            unique=True,
            sqlite_where=sa.text("status = 'PENDING'"),
            postgresql_where=sa.text("status = 'PENDING'"),
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    status: CloudSyncJobStatus = Field(
        default=CloudSyncJobStatus.PENDING, sa_type=enum_type(CloudSyncJobStatus)
    )
    ends_as: CloudSyncJobStatus = Field(
        default=CloudSyncJobStatus.DONE, sa_type=enum_type(CloudSyncJobStatus)
    )
    is_dry_run: bool = False
    cursor: str | None = Field(default=None, sa_type=sa.Text)
    reach: str = Field(default="", sa_type=Key)
    error: str | None = None
    listed_count: int = Field(default=0, sa_type=sa.BigInteger)
    sequence: int = Field(default=1, sa_type=sa.BigInteger)
    scan_pages_processing_pending: int = 1
    scan_pages_processing_done: int = 0
    scan_pages_processing_error: int = 0
    scan_pages_processing_cancelled: int = 0
    upload_jobs_pending: int = 0
    upload_jobs_done: int = 0
    upload_jobs_error: int = 0
    upload_jobs_units_pending: int = 0
    upload_jobs_units_done: int = 0
    upload_jobs_units_error: int = 0
    upload_jobs_units_cancelled: int = 0
    new_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    vanished_count: int = 0
    returned_count: int = 0
    skipped_count: int = 0
    skipped_keys: list[str] = Field(default_factory=list, sa_type=Json)
    sidecars_attached_count: int = 0
    sidecars_error_count: int = 0
    sidecar_error_keys: list[str] = Field(default_factory=list, sa_type=Json)
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None


class SkippedObjectRecord(SQLModel, table=True):
    """An object that the latest sync of a folder did not mirror, and why."""

    __tablename__ = "skipped_objects"
    __table_args__ = (sa.Index("ix_skipped_objects_job_uuid_key", "job_uuid", "key", "uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="cloud_sync_jobs.uuid", ondelete="CASCADE")
    key: str = Field(sa_type=Key)
    reason: SkippedObjectReason = Field(sa_type=enum_type(SkippedObjectReason))


cloud_sync_jobs = table_of(CloudSyncJobRecord)
skipped_objects = table_of(SkippedObjectRecord)
