"""DICOM studies, series, instances and their tags, next to items and folders.

A study belongs to a root folder, a series to one folder, and an instance to one item.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Json, Key, table_of


class DicomStudyRecord(SQLModel, table=True):
    """A study of one patient in one root folder.

    Dates are ISO 8601 texts such as 2026-01-31, times such as 13:05:59.25; both are null if the
    files have none that is valid.

    Attributes:
        patient_id: empty if the patient is unknown.
        patient_id_issuer: empty if the files name none.
        patient_name: up to three groups divided by `=`, with components divided by `^`.
        name_key: the folded name, by which studies are searched; empty without a name.
        conflicts: tags of attributes of which the files have several values.
        corrections: attributes set by hand, by their columns; they replace those of files.
        phi_version: how often they were set.
    """

    __tablename__ = "dicom_studies"
    __table_args__ = (
        sa.Index(
            "uq_dicom_studies_root_folder_uuid_study_uid",
            "root_folder_uuid",
            "study_uid",
            "patient_id",
            "patient_id_issuer",
            unique=True,
        ),
        sa.Index("ix_dicom_studies_study_uid", "study_uid"),
        sa.Index("ix_dicom_studies_patient_id", "patient_id", "study_date", "uuid"),
        sa.Index("ix_dicom_studies_accession_number", "accession_number"),
        sa.Index("ix_dicom_studies_study_date", "study_date", "uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    root_folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    study_uid: str = Field(sa_type=Key)
    patient_id: str = Field(default="", sa_type=Key)
    patient_id_issuer: str = Field(default="", sa_type=Key)
    patient_name: str | None = None
    name_key: str = Field(default="", sa_type=Key)
    patient_birth_date: str | None = Field(default=None, sa_type=Key)
    patient_sex: str | None = Field(default=None, sa_type=Key)
    study_date: str | None = Field(default=None, sa_type=Key)
    study_time: str | None = Field(default=None, sa_type=Key)
    accession_number: str | None = Field(default=None, sa_type=Key)
    study_id: str | None = Field(default=None, sa_type=Key)
    description: str | None = None
    referring_physician_name: str | None = None
    conflicts: list[str] = Field(default_factory=list, sa_type=Json)
    corrections: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    phi_version: int = 0
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class DicomStudyPlaceRecord(SQLModel, table=True):
    """A folder that has a part of a study, with the values by which studies are ordered.

    Whoever sees the folder sees the study, so that pages of studies start from a viewer's folders.
    """

    __tablename__ = "dicom_study_places"
    __table_args__ = (
        sa.UniqueConstraint("study_uuid", "folder_uuid"),
        # Each order, of the places of one folder and of all.
        *(
            sa.Index(
                f"ix_dicom_study_places_{'_'.join([*first, name])}", *first, name, "study_uuid"
            )
            for first in (["folder_uuid"], [])
            for name in ("study_date", "patient_name_key", "created_at", "last_edited_at")
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    study_uuid: UUID = Field(foreign_key="dicom_studies.uuid", ondelete="CASCADE")
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    study_date: str | None = Field(default=None, sa_type=Key)
    patient_name_key: str | None = Field(default=None, sa_type=Key)
    created_at: datetime
    last_edited_at: datetime


class DicomSeriesRecord(SQLModel, table=True):
    """A series as far as it lies in one folder; counts are of current instances.

    Attributes:
        instances: current instances, of items that are not tombstones.
        superseded: further items with the same SOP instance UIDs.
        frames: frames of the current instances.
        file_size: bytes of the current instances.
        conflicts: tags of attributes of which the files have several values.
    """

    __tablename__ = "dicom_series"
    __table_args__ = (
        sa.UniqueConstraint("study_uuid", "folder_uuid", "series_uid"),
        sa.Index("ix_dicom_series_series_uid", "series_uid"),
        sa.Index("ix_dicom_series_folder_uuid", "folder_uuid"),
        sa.Index("ix_dicom_series_study_uuid_modality", "study_uuid", "modality"),
        sa.Index("ix_dicom_series_study_uuid_number", "study_uuid", "number", "uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    study_uuid: UUID = Field(foreign_key="dicom_studies.uuid", ondelete="CASCADE")
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    series_uid: str = Field(sa_type=Key)
    modality: str | None = Field(default=None, sa_type=Key)
    number: int | None = Field(default=None, sa_type=sa.BigInteger)
    description: str | None = None
    body_part: str | None = Field(default=None, sa_type=Key)
    conflicts: list[str] = Field(default_factory=list, sa_type=Json)
    instances: int = Field(default=0, sa_type=sa.BigInteger)
    superseded: int = Field(default=0, sa_type=sa.BigInteger)
    frames: int = Field(default=0, sa_type=sa.BigInteger)
    file_size: int = Field(default=0, sa_type=sa.BigInteger)
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class DicomHeaderRecord(SQLModel, table=True):
    """A combination of patient, study and series attributes that instances of a series have.

    Most series have one. The attributes of the series and of its study are derived from these.

    Attributes:
        first_item_uuid: the earliest item that has it and is not a tombstone.
    """

    __tablename__ = "dicom_headers"
    series_uuid: UUID = Field(primary_key=True, foreign_key="dicom_series.uuid", ondelete="CASCADE")
    digest: str = Field(primary_key=True, sa_type=Key)
    attributes: dict[str, Any] = Field(sa_type=Json)
    first_item_uuid: UUID | None = None


class DicomInstanceRecord(SQLModel, table=True):
    """The DICOM object in an item's file.

    Attributes:
        header_digest: the row of `dicom_headers` with what the file says of its study and series.
        frames: null for objects without pixels.
        file_size: size of the item's file in bytes.
        is_live: whether the item is not a tombstone.
        is_current: whether it is the version of its SOP instance UID that counts in its series.
    """

    __tablename__ = "dicom_instances"
    __table_args__ = (
        sa.Index(
            "ix_dicom_instances_series_uuid_number",
            "series_uuid",
            "is_current",
            "number",
            "sop_instance_uid",
            "item_uuid",
        ),
        # All that counts and headers of a series are derived from.
        sa.Index(
            "ix_dicom_instances_series_uuid_header_digest",
            "series_uuid",
            "header_digest",
            "is_live",
            "item_uuid",
            "is_current",
            "frames",
            "file_size",
        ),
        sa.Index("ix_dicom_instances_sop_instance_uid", "sop_instance_uid", "series_uuid"),
    )
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    series_uuid: UUID = Field(foreign_key="dicom_series.uuid", ondelete="CASCADE")
    header_digest: str = Field(sa_type=Key)
    sop_instance_uid: str = Field(sa_type=Key)
    sop_class_uid: str | None = Field(default=None, sa_type=Key)
    transfer_syntax_uid: str | None = Field(default=None, sa_type=Key)
    number: int | None = Field(default=None, sa_type=sa.BigInteger)
    frames: int | None = Field(default=None, sa_type=sa.BigInteger)
    rows: int | None = Field(default=None, sa_type=sa.BigInteger)
    columns: int | None = Field(default=None, sa_type=sa.BigInteger)
    file_size: int = Field(default=0, sa_type=sa.BigInteger)
    has_pixels: bool = False
    is_live: bool = True
    is_current: bool = False


class DicomTagsRecord(SQLModel, table=True):
    """The tags of an instance: a document in the JSON model of DICOM (PS3.18, F.2), compressed.

    Attributes:
        document: JSON compressed by zlib.
        document_size: bytes of the JSON.
        is_complete: whether they were read from the file, rather than given by a client.
        errors: the number of elements, and of texts, that could not be read in full.
        omitted: tags of elements that would have made the document too large.
        character_sets: those of the file; the document is UTF-8.
    """

    __tablename__ = "dicom_tags"
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    document: bytes
    document_size: int
    is_complete: bool = True
    errors: int = 0
    omitted: list[str] = Field(default_factory=list, sa_type=Json)
    character_sets: list[str] = Field(default_factory=list, sa_type=Json)


class EncapsulatedFileRecord(SQLModel, table=True):
    """The PDF or video inside an item's DICOM file, which is copied out of it.

    Attributes:
        ranges: the positions of its pieces in the item's file, as in `EncapsulatedFile`.
        file_size: its size in bytes.
        object_key: the key of its own object, which exists once `is_stored` is set.
    """

    __tablename__ = "encapsulated_files"
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid")
    mime_type: str = Field(sa_type=Key)
    ranges: list[tuple[int, int]] = Field(sa_type=Json)
    file_size: int = Field(sa_type=sa.BigInteger)
    object_key: str = Field(sa_type=Key, index=True)
    is_stored: bool = False


class StudyAttachmentRecord(SQLModel, table=True):
    """An item that is attached to a study, such as a report."""

    __tablename__ = "study_attachments"
    __table_args__ = (sa.Index("ix_study_attachments_study_uuid", "study_uuid", "item_uuid"),)
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    study_uuid: UUID = Field(foreign_key="dicom_studies.uuid", ondelete="CASCADE")
    created_at: datetime = Field(default_factory=now)


class DicomProjectRecord(SQLModel, table=True):
    """A project within which anonymized patients and objects have the same pseudonyms.

    Attributes:
        key: the name that clients give it, in the root folder that anonymized files go to.
        secret: 32 random bytes from which pseudonyms are derived, in base 64, encrypted like the
            credentials of integrations.
    """

    __tablename__ = "dicom_projects"
    __table_args__ = (sa.UniqueConstraint("root_folder_uuid", "key"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    root_folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE")
    key: str = Field(sa_type=Key)
    secret: str
    created_at: datetime = Field(default_factory=now)


dicom_studies = table_of(DicomStudyRecord)
dicom_study_places = table_of(DicomStudyPlaceRecord)
dicom_series = table_of(DicomSeriesRecord)
dicom_headers = table_of(DicomHeaderRecord)
dicom_instances = table_of(DicomInstanceRecord)
dicom_tags = table_of(DicomTagsRecord)
encapsulated_files = table_of(EncapsulatedFileRecord)
study_attachments = table_of(StudyAttachmentRecord)
dicom_projects = table_of(DicomProjectRecord)
