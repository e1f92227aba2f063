"""Jobs of all kinds, in one table."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import (
    DicomCopyOperation,
    DicomJobPhase,
    FrameRule,
    JobKind,
    JobOutcome,
    JobStatus,
    JobWait,
)
from gateway.models.base import Json, Key, enum_type, table_of

RUNNING = sa.text("status = 'PENDING'")
"""The condition of an index, and so of the statements that use it on SQLite."""
_WAITING = sa.text("status = 'PENDING' AND started_at IS NULL")
_RUNNING_SYNC = sa.text("status = 'PENDING' AND kind = 'CLOUD_SYNC'")
_WITH_ERRORS = sa.text("units_error_count > 0 OR status = 'ERROR'")


class JobRecord(SQLModel, table=True):
    """A job of any kind. What a kind does not use is null, false, empty or 0.

    Attributes:
        folder_uuid: the folder that the job is about, with whom it is deleted; jobs without one
            are seen by their starter.
        sees_phi: whether the credential that started the job sees the identities that its user may
            see; the job sees no more.
        tree_uuid: the folder to which the credential that started the job is limited, if it is; the
            job does nothing outside it.
        outcome: how the job ended; None while it runs.
        sequence: a number that grows with each change, across all jobs, in the order in which the
            changes become visible.
        started_at: when a task of the job first ran; None while all of them wait.
        waiting_for: what the job waits for that is no fault of its own, if it does.
        attempt: the highest number of an attempt at a task of the job; 0 before the first.
        rate_marks: earlier counts with their times, see `gateway.catalog.rules.job_rates`.
        error: the last error: that of a unit, or of the whole job.
        progress: the mean of the progress of a re-encoding job's units, from 0 to 1.
        cloud_sync_job_uuid: the sync that an upload job is a part of.
        ends_as: the status of a sync once no part of it runs any more.
        cursor: the cloud's own cursor of the next page of a sync's listing, or the last item of a
            step of another job.
        item_filter: the filter of items, as clients send it, whose items are added or removed.
        frame_rule: what a deletion of groups does with their frames; None for other jobs.
        listed_count: keys that a sync's listing has returned so far, of whatever use; units that a
            job about DICOM studies has listed.
        target_folder_uuid: the folder that gets copies of DICOM instances, if it still exists.
        source_folder_uuid: the folder that a job copies, if it still exists.
        allow_public: whether what a job copies may become public by that.
        dicom_study_uids: the studies that a job deletes, or of which its copies are.
        dicom_spec: what a job does to DICOM studies, see `gateway.catalog.dicom_units`.
        reach: the key up to which a sync has looked for vanished objects.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "ix_jobs_folder_uuid_kind_created_at", "folder_uuid", "kind", "created_at", "uuid"
        ),
        sa.Index("ix_jobs_kind_created_at", "kind", "created_at", "uuid"),
        sa.Index("ix_jobs_user_uuid_created_at", "user_uuid", "created_at", "uuid"),
        sa.Index("ix_jobs_created_at", "created_at", "uuid"),
        sa.Index("ix_jobs_sequence", "sequence", "uuid"),
        sa.Index(
            "ix_jobs_running",
            "created_at",
            "uuid",
            sqlite_where=RUNNING,
            postgresql_where=RUNNING,
        ),
        sa.Index(
            "ix_jobs_waiting",
            "kind",
            "uuid",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        sa.Index(
            "ix_jobs_with_errors",
            "created_at",
            "uuid",
            sqlite_where=_WITH_ERRORS,
            postgresql_where=_WITH_ERRORS,
        ),
        sa.Index(
            "uq_jobs_running_sync",
            "folder_uuid",
            unique=True,
            sqlite_where=_RUNNING_SYNC,
            postgresql_where=_RUNNING_SYNC,
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    kind: JobKind = Field(sa_type=enum_type(JobKind))
    folder_uuid: UUID | None = Field(default=None, foreign_key="folders.uuid", ondelete="CASCADE")
    user_uuid: UUID | None = Field(default=None, foreign_key="users.uuid", ondelete="SET NULL")
    status: JobStatus = Field(default=JobStatus.PENDING, sa_type=enum_type(JobStatus))
    sees_phi: bool = True
    tree_uuid: UUID | None = None
    outcome: JobOutcome | None = Field(default=None, sa_type=enum_type(JobOutcome))
    sequence: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    last_edited_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None
    waiting_for: JobWait | None = Field(default=None, sa_type=enum_type(JobWait))
    attempt: int = 0
    units_pending_count: int = 0
    units_done_count: int = 0
    units_error_count: int = 0
    units_cancelled_count: int = 0
    bytes_done: int = Field(default=0, sa_type=sa.BigInteger)
    bytes_total: int | None = Field(default=None, sa_type=sa.BigInteger)
    rate_marks: list[tuple[float, int, int]] | None = Field(default=None, sa_type=Json)
    error: str | None = None
    title: str | None = None
    is_forced: bool = False
    progress: float = 0.0
    file_name: str | None = None
    ignore_errors: bool = False
    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False
    integration_uuid: UUID | None = Field(
        default=None, foreign_key="cloud_integrations.uuid", index=True
    )
    dataset_uuid: UUID | None = Field(default=None, foreign_key="datasets.uuid", index=True)
    collection_uuid: UUID | None = None
    item_filter: dict[str, Any] | None = Field(default=None, sa_type=Json)
    removes_items: bool = False
    frame_rule: FrameRule | None = Field(default=None, sa_type=enum_type(FrameRule))
    cloud_sync_job_uuid: UUID | None = Field(default=None, foreign_key="jobs.uuid", index=True)
    ends_as: JobStatus | None = Field(default=None, sa_type=enum_type(JobStatus))
    is_dry_run: bool = False
    cursor: str | None = Field(default=None, sa_type=sa.Text)
    reach: str = Field(default="", sa_type=Key)
    listed_count: int = Field(default=0, sa_type=sa.BigInteger)
    dicom_phase: DicomJobPhase | None = Field(default=None, sa_type=enum_type(DicomJobPhase))
    dicom_operation: DicomCopyOperation | None = Field(
        default=None, sa_type=enum_type(DicomCopyOperation)
    )
    target_folder_uuid: UUID | None = None
    source_folder_uuid: UUID | None = None
    allow_public: bool = False
    dicom_study_uids: list[str] | None = Field(default=None, sa_type=Json)
    dicom_spec: dict[str, Any] | None = Field(default=None, sa_type=Json)
    scan_pages_processing_pending: int = 0
    scan_pages_processing_done: int = 0
    scan_pages_processing_error: int = 0
    scan_pages_processing_cancelled: int = 0
    upload_jobs_pending: int = 0
    upload_jobs_done: int = 0
    upload_jobs_error: int = 0
    new_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    vanished_count: int = 0
    returned_count: int = 0
    skipped_count: int = 0
    skipped_keys: list[str] | None = Field(default=None, sa_type=Json)
    sidecars_attached_count: int = 0
    sidecars_error_count: int = 0
    sidecar_error_keys: list[str] | None = Field(default=None, sa_type=Json)


jobs = table_of(JobRecord)
