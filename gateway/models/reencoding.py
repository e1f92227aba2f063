"""Units of re-encoding jobs, and the renditions of videos that they create."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import ReencodeUnitStatus
from gateway.models.base import Key, enum_type, table_of


class ReencodeUnitRecord(SQLModel, table=True):
    """One video of a re-encoding job; each attempt writes its rendition to `object_key`.

    `file_size` is that of the video in bytes, if it is known.
    """

    __tablename__ = "reencode_units"
    __table_args__ = (sa.UniqueConstraint("job_uuid", "position"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="jobs.uuid", ondelete="CASCADE")
    position: int
    item_uuid: UUID | None = Field(
        default=None, foreign_key="items.uuid", ondelete="SET NULL", index=True
    )
    object_key: str = Field(sa_type=Key, index=True)
    status: ReencodeUnitStatus = Field(
        default=ReencodeUnitStatus.PENDING, sa_type=enum_type(ReencodeUnitStatus)
    )
    progress: float = 0.0
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
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


reencode_units = table_of(ReencodeUnitRecord)
renditions = table_of(RenditionRecord)
