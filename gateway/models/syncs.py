"""Objects of buckets that syncs did not mirror."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.kinds.enums import SkippedObjectReason
from gateway.models.base import Key, enum_type, table_of


class SkippedObjectRecord(SQLModel, table=True):
    """An object that the latest sync of a folder did not mirror, and why."""

    __tablename__ = "skipped_objects"
    __table_args__ = (sa.Index("ix_skipped_objects_job_uuid_key", "job_uuid", "key", "uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="jobs.uuid", ondelete="CASCADE")
    key: str = Field(sa_type=Key)
    reason: SkippedObjectReason = Field(sa_type=enum_type(SkippedObjectReason))


skipped_objects = table_of(SkippedObjectRecord)
