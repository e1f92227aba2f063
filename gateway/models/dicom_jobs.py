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
        object_key: the object that each attempt writes a copy to; null before the first.
        copy_uuid: the item that is the copy, which may have been deleted since.
        source_version: the version of the file that was copied, which alone may be removed.
    """

    __tablename__ = "dicom_job_units"
    __table_args__ = (
        sa.UniqueConstraint("job_uuid", "position"),
        sa.UniqueConstraint("job_uuid", "item_uuid"),
        sa.Index("ix_dicom_job_units_job_uuid_status", "job_uuid", "status", "position"),
        sa.Index(
            "ix_dicom_job_units_job_uuid_sop_instance_uid", "job_uuid", "sop_instance_uid", "source"
        ),
        sa.Index("ix_dicom_job_units_job_uuid_series_uid", "job_uuid", "series_uid", "source"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="jobs.uuid", ondelete="CASCADE")
    position: int
    item_uuid: UUID
    source: int
    series_uid: str | None = Field(default=None, sa_type=Key)
    sop_instance_uid: str | None = Field(default=None, sa_type=Key)
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    object_key: str | None = Field(default=None, sa_type=Key, index=True)
    copy_uuid: UUID | None = Field(default=None, index=True)
    source_version: str | None = None
    status: DicomJobUnitStatus = Field(
        default=DicomJobUnitStatus.PENDING, sa_type=enum_type(DicomJobUnitStatus)
    )
    error: str | None = None


dicom_job_units = table_of(DicomJobUnitRecord)
