"""Units of jobs about DICOM studies."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.kinds.enums import DicomJobUnitStatus
from gateway.models.base import Key, enum_type, table_of


class DicomJobUnitRecord(SQLModel, table=True):
    """An instance, or an attachment, of a study that a job is about.

    Attributes:
        item_uuid: the item, which may have been deleted since.
        source: the position of its study in the job's list of studies.
        series_uid: null for attachments, like the other UID.
        file_size: in bytes, if it is known.
    """

    __tablename__ = "dicom_job_units"
    __table_args__ = (
        sa.UniqueConstraint("job_uuid", "position"),
        sa.UniqueConstraint("job_uuid", "item_uuid"),
        sa.Index("ix_dicom_job_units_job_uuid_status", "job_uuid", "status", "position"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="jobs.uuid", ondelete="CASCADE")
    position: int
    item_uuid: UUID
    source: int
    series_uid: str | None = Field(default=None, sa_type=Key)
    sop_instance_uid: str | None = Field(default=None, sa_type=Key)
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    status: DicomJobUnitStatus = Field(
        default=DicomJobUnitStatus.PENDING, sa_type=enum_type(DicomJobUnitStatus)
    )
    error: str | None = None


dicom_job_units = table_of(DicomJobUnitRecord)
