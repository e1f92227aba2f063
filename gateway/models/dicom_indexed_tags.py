"""Tags by which DICOM studies and series are filtered, and the values that series have of them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Key, table_of

_PRESENT = sa.text("NOT is_removed")
_IS_NUMBER = sa.text("number IS NOT NULL")


class DicomIndexedTagRecord(SQLModel, table=True):
    """A tag whose values are indexed.

    Attributes:
        tag: eight hexadecimal digits in capitals, after those of the sequences that it is in, all
            divided by colons. A private tag is that of the first block, such as 0019100C.
        private_creator: empty for a tag of the standard.
        vr: the value representation, which tells how values are compared.
        is_filled: whether the values are those of all instances.
        filled_until: until then, the last item, in the order of UUIDs, whose instance is included.
        is_removed: whether it was removed; the row stays as long as there are values.
        job_uuid: the job that fills in the values.
    """

    __tablename__ = "dicom_indexed_tags"
    __table_args__ = (
        sa.Index(
            "uq_dicom_indexed_tags_tag_private_creator",
            "tag",
            "private_creator",
            unique=True,
            sqlite_where=_PRESENT,
            postgresql_where=_PRESENT,
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    tag: str = Field(sa_type=Key)
    private_creator: str = Field(default="", sa_type=Key)
    vr: str
    is_filled: bool = False
    filled_until: UUID | None = None
    is_removed: bool = False
    job_uuid: UUID | None = Field(
        default=None, foreign_key="jobs.uuid", ondelete="SET NULL", index=True
    )
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class DicomTagValueRecord(SQLModel, table=True):
    """A value that instances of a series have of an indexed tag; tombstones do not count.

    Attributes:
        value_key: the form in which it is compared; empty for values that cannot be indexed.
        number: the value of a tag with numbers.
        instances: the instances that have it, superseded ones included.
    """

    __tablename__ = "dicom_tag_values"
    __table_args__ = (
        sa.Index(
            "ix_dicom_tag_values_indexed_tag_uuid_value_key",
            "indexed_tag_uuid",
            "value_key",
            "series_uuid",
        ),
        sa.Index(
            "ix_dicom_tag_values_indexed_tag_uuid_number",
            "indexed_tag_uuid",
            "number",
            "series_uuid",
            sqlite_where=_IS_NUMBER,
            postgresql_where=_IS_NUMBER,
        ),
    )
    series_uuid: UUID = Field(primary_key=True, foreign_key="dicom_series.uuid", ondelete="CASCADE")
    indexed_tag_uuid: UUID = Field(
        primary_key=True, foreign_key="dicom_indexed_tags.uuid", ondelete="CASCADE"
    )
    value_key: str = Field(primary_key=True, sa_type=Key)
    number: float | None = None
    instances: int = Field(default=0, sa_type=sa.BigInteger)


dicom_indexed_tags = table_of(DicomIndexedTagRecord)
dicom_tag_values = table_of(DicomTagValueRecord)
