"""Inputs that name DICOM studies, and those of mutations of studies."""

from uuid import UUID

import strawberry

from gateway.catalog.dicom_study_keys import StudyKey
from resolvers.inputs.descriptions import DATASET_CHANGES, IDEMPOTENCY_KEY, MIRROR_CHANGES
from resolvers.inputs.dicom import PATIENT_ID, PATIENT_ID_ISSUER, STUDY_FOLDER, STUDY_UID


@strawberry.input(description="The keys of a DICOM study.")
class DicomStudyInput:
    folder_uuid: UUID = strawberry.field(description=STUDY_FOLDER)
    study_uid: str = strawberry.field(description=STUDY_UID)
    patient_id: str | None = strawberry.field(default=None, description=PATIENT_ID)
    patient_id_issuer: str | None = strawberry.field(default=None, description=PATIENT_ID_ISSUER)


def study_key(input: DicomStudyInput) -> StudyKey:
    """Return the keys of the study that an input names."""
    return StudyKey(input.folder_uuid, input.study_uid, input.patient_id, input.patient_id_issuer)


@strawberry.input(description="The DICOM study to delete.")
class DeleteDicomStudyInput(DicomStudyInput):
    keep_attachments: bool = strawberry.field(
        default=False,
        description="Whether attachments are kept. A study that has some stays, without instances.",
    )
    allow_dataset_changes: bool = strawberry.field(default=False, description=DATASET_CHANGES)
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
