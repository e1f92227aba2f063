"""Inputs that name DICOM studies and instances."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from gateway.execution.bound_values import PATTERN, bound_as
from gateway.execution.declarations import Direction
from resolvers.inputs.dicom_tag_matches import DicomTagMatch

STUDY_FOLDER = "UUID of a folder that has a part of the study, in itself or below it."
STUDY_UID = "The Study Instance UID (0020,000D)."
PATIENT_ID = (
    "The Patient ID (0010,0020); empty for an unknown patient. Needed only if studies of several "
    "patients have this UID in the folder."
)
PATIENT_ID_ISSUER = (
    "The Issuer of Patient ID (0010,0021); empty if the files name none. Needed only if patients "
    "of several issuers have this ID."
)

StudyFolder = Annotated[UUID, strawberry.argument(description=STUDY_FOLDER)]
StudyUid = Annotated[str, strawberry.argument(description=STUDY_UID)]
PatientId = Annotated[str | None, strawberry.argument(description=PATIENT_ID)]
PatientIdIssuer = Annotated[str | None, strawberry.argument(description=PATIENT_ID_ISSUER)]

_WILDCARDS = " `*` stands for any text and `?` for any one character; at most 1,000 characters."
_NAME = (
    " It matches if one of the three groups of the name does, ignoring case: the whole group, or "
    "its components, which `^` divides, one by one, where those that are left out match any."
)


class DicomStudyOrderField(StrEnum):
    """Attributes that DICOM studies can be ordered by."""

    STUDY_DATE = "STUDY_DATE"
    PATIENT_NAME = "PATIENT_NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"


@strawberry.input(
    description="Order of DICOM studies. Ties are broken by UUID; studies without a value come last."
)
class DicomStudyOrder:
    field: DicomStudyOrderField = strawberry.field(
        default=DicomStudyOrderField.STUDY_DATE,
        description="The attribute to order by. Names are compared by the code points of their "
        "case-folded form.",
    )
    direction: Direction | None = strawberry.field(
        default=None,
        description="The direction of the order. Defaults to `ASC` for names, and to `DESC`, the "
        "newest first, for dates and times.",
    )


@strawberry.input(
    description="A range of dates such as `2026-01-31`, both ends included. Open where an end is "
    "absent; a study without a date is in no range."
)
class DicomDateRange:
    from_: str | None = strawberry.field(
        default=None, name="from", description="The earliest date that matches."
    )
    to: str | None = strawberry.field(default=None, description="The latest date that matches.")


@strawberry.input(
    description="Filter for DICOM studies. A study must match all fields that are set. Case counts, "
    "except in names."
)
class DicomStudyFilter:
    study_uids: list[str] | None = strawberry.field(
        default=None, description="Study Instance UIDs (0020,000D), at most 1,000."
    )
    patient_id: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PATTERN),
        description=f"The Patient ID (0010,0020); empty for unknown patients.{_WILDCARDS}",
    )
    patient_id_issuer: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PATTERN),
        description="The Issuer of Patient ID (0010,0021); empty for studies whose files name "
        f"none.{_WILDCARDS}",
    )
    patient_name: str | None = strawberry.field(
        default=None, description=f"The patient's name (0010,0010).{_NAME}{_WILDCARDS}"
    )
    patient_birth_date: DicomDateRange | None = strawberry.field(
        default=None, description="The patient's date of birth (0010,0030)."
    )
    study_date: DicomDateRange | None = strawberry.field(
        default=None, description="The Study Date (0008,0020)."
    )
    accession_number: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PATTERN),
        description=f"The Accession Number (0008,0050).{_WILDCARDS}",
    )
    study_id: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PATTERN),
        description=f"The Study ID (0020,0010).{_WILDCARDS}",
    )
    description: str | None = strawberry.field(
        default=None, description=f"The Study Description (0008,1030).{_WILDCARDS}"
    )
    modalities: list[str] | None = strawberry.field(
        default=None,
        description="Modalities (0008,0060), at most 100, one of which a series of the study has "
        "that the viewer sees.",
    )
    referring_physician_name: str | None = strawberry.field(
        default=None,
        description=f"The Referring Physician's Name (0008,0090).{_NAME}{_WILDCARDS}",
    )
    has_conflicts: bool | None = strawberry.field(
        default=None,
        description="If `true`, only studies with conflicting tags, in themselves or a series, or "
        "with another study of the same UID in the root folder; if `false`, only others.",
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Only studies created after this time."
    )
    search: str | None = strawberry.field(
        default=None,
        description="Text that is in the patient's name, ignoring case, or is the Patient ID, the "
        f"Accession Number or the study UID.{_WILDCARDS}",
    )
    tags: list[DicomTagMatch] | None = strawberry.field(
        default=None,
        description="Conditions on indexed tags (`dicomIndexedTags`), at most 20. Each has to be met "
        "by a file of the study, in a series that the viewer sees; values are those of files, without "
        "corrections.",
    )


@strawberry.input(
    description="Filter for DICOM instances. An instance must match all fields that are set, and at "
    "least one must be set."
)
class DicomInstanceFilter:
    sop_instance_uids: list[str] | None = strawberry.field(
        default=None, description="SOP Instance UIDs (0008,0018), at most 1,000."
    )
    series_uids: list[str] | None = strawberry.field(
        default=None, description="Series Instance UIDs (0020,000E), at most 1,000."
    )
    study_uids: list[str] | None = strawberry.field(
        default=None, description="Study Instance UIDs (0020,000D), at most 1,000."
    )
    item_uuids: list[UUID] | None = strawberry.field(
        default=None, description="UUIDs of the items with the files, at most 1,000."
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of a folder: only what lies in it and below. Nothing lies in a folder "
        "that the viewer cannot see.",
    )
    tags: list[DicomTagMatch] | None = strawberry.field(
        default=None,
        description="Conditions on tags, at most 20, all of which a file has to meet. They are for the "
        "instances of a single study, which `studyUids` names, at most 5,000. Tags of the standard "
        "need not be indexed.",
    )
