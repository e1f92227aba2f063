"""Re-encoding jobs, their units, and the renditions of videos that they create."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.kinds.enums import ReencodeJobStatus, ReencodeUnitStatus
from gateway.models.base import Key, enum_type, now, table_of


class ReencodeJobRecord(SQLModel, table=True):
    """A re-encoding job.

    `progress` is the mean of its units' progress, from 0 to 1; `sequence` grows with each change.
    """

    __tablename__ = "reencode_jobs"
    __table_args__ = (sa.Index("ix_reencode_jobs_created_at", "created_at", "uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    title: str
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    is_forced: bool = False
    status: ReencodeJobStatus = Field(
        default=ReencodeJobStatus.SUBMITTED, sa_type=enum_type(ReencodeJobStatus)
    )
    progress: float = 0.0
    sequence: int = Field(default=1, sa_type=sa.BigInteger)
    units_total_count: int = 0
    units_pending_count: int = 0
    units_error_count: int = 0
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)
    finished_at: datetime | None = None


class ReencodeUnitRecord(SQLModel, table=True):
    """One video of a re-encoding job; each attempt writes its rendition to `object_key`."""

    __tablename__ = "reencode_units"
    __table_args__ = (sa.UniqueConstraint("job_uuid", "position"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="reencode_jobs.uuid", ondelete="CASCADE")
    position: int
    item_uuid: UUID | None = Field(
        default=None, foreign_key="items.uuid", ondelete="SET NULL", index=True
    )
    object_key: str = Field(sa_type=Key)
    status: ReencodeUnitStatus = Field(
        default=ReencodeUnitStatus.PENDING, sa_type=enum_type(ReencodeUnitStatus)
    )
    progress: float = 0.0
    error: str | None = None


class RenditionRecord(SQLModel, table=True):
    """A re-encoded version of a video that every browser plays; sizes in bytes and pixels."""

    __tablename__ = "renditions"
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    object_key: str = Field(sa_type=Key, foreign_key="stored_objects.key", index=True)
    sha256: str
    mime_type: str
    file_size: int = Field(sa_type=sa.BigInteger)
    width: int
    height: int
    fps: float
    duration: float
    frame_count: int
    created_at: datetime = Field(default_factory=now)


reencode_jobs = table_of(ReencodeJobRecord)
reencode_units = table_of(ReencodeUnitRecord)
renditions = table_of(RenditionRecord)
