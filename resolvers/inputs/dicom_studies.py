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


@strawberry.input(description="The item to attach to a DICOM study.")
class AddStudyAttachmentInput(DicomStudyInput):
    item_uuid: UUID = strawberry.field(
        description="UUID of the item, which is in the root folder of the study, or below it."
    )


@strawberry.input(description="The item to detach from a DICOM study.")
class DeleteStudyAttachmentInput(DicomStudyInput):
    item_uuid: UUID = strawberry.field(description="UUID of the attached item.")


@strawberry.input(description="The instances of a DICOM study to delete.")
class DeleteDicomInstancesInput(DicomStudyInput):
    sop_instance_uids: list[str] = strawberry.field(
        description="SOP Instance UIDs (0008,0018) of 1 to 1,000 instances."
    )
    allow_dataset_changes: bool = strawberry.field(default=False, description=DATASET_CHANGES)
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)


@strawberry.input(
    description="Corrected attributes of a patient and study. Omitted ones are left as they are; null "
    "takes a correction back, so that the value of the files counts again."
)
class DicomStudyPhiInput:
    patient_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The patient's name (0010,0010): up to three groups, divided by `=`, of "
        "components divided by `^`.",
    )
    patient_birth_date: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The patient's date of birth (0010,0030), such as `1970-01-31`.",
    )
    patient_sex: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The patient's sex (0010,0040), such as `F`, `M` or `O`; at most 16 characters.",
    )
    study_date: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The Study Date (0008,0020), such as `2026-01-31`.",
    )
    study_time: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The Study Time (0008,0030), such as `13:05:59.25`.",
    )
    accession_number: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The Accession Number (0008,0050), at most 64 characters.",
    )
    study_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="The Study ID (0020,0010), at most 64 characters."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The Study Description (0008,1030), at most 1,000 characters.",
    )
    referring_physician_name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The Referring Physician's Name (0008,0090), in the form of the patient's.",
    )


@strawberry.input(description="The DICOM study to correct, and its corrected attributes.")
class SetDicomStudyPhiInput(DicomStudyInput):
    values: DicomStudyPhiInput = strawberry.field(description="The corrected attributes.")


@strawberry.input(description="The DICOM study whose rows are derived again.")
class ClearDicomStudyCacheInput(DicomStudyInput):
    pass


@strawberry.input(description="The DICOM files to read again.")
class ExtractDicomMetadataInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items of the kind `DICOM_FILE`, from any folders, without "
        "duplicates."
    )
