"""Inputs that name DICOM studies and instances."""

from typing import Annotated
from uuid import UUID

import strawberry

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
