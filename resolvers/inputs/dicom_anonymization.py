"""Inputs of `anonymizeDicomStudies`."""

from enum import StrEnum
from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import ALLOW_PUBLIC, IDEMPOTENCY_KEY
from resolvers.inputs.dicom_copies import TARGET
from resolvers.inputs.dicom_studies import DicomStudyInput

_TAGS = "keywords, or tags such as `00100020` or `0010,0020`, at most 1,000"


class DicomLongitudinal(StrEnum):
    """Treatment of dates and times in anonymized files."""

    FULL = "FULL"
    MODIFIED = "MODIFIED"


@strawberry.input(description="A private element that is known to identify nobody.")
class DicomSafePrivateInput:
    group: int = strawberry.field(description="The group number, which is odd.")
    creator: str = strawberry.field(
        description="The text that reserves the block, such as `SIEMENS MR HEADER`."
    )
    element: int = strawberry.field(
        description="The number of the element in the block, from 0 to 255."
    )


@strawberry.input(description="A value for an element.")
class DicomReplacementInput:
    tag: str = strawberry.field(
        description="A keyword, or a tag such as `00100020` or `0010,0020`."
    )
    values: list[str] = strawberry.field(
        description="Its values as text, at most 1,000. Without any, the element is empty."
    )


@strawberry.input(description="DICOM studies to copy without what identifies their patients.")
class AnonymizeDicomStudiesInput:
    studies: list[DicomStudyInput] = strawberry.field(
        description="1 to 100 studies, without duplicates."
    )
    target_folder_uuid: UUID = strawberry.field(description=TARGET)
    project_key: str | None = strawberry.field(
        default=None,
        description="A name, 1 to 200 characters, for which the same UID or Patient ID always gets "
        "the same replacement, and a patient's dates the same shift, across jobs and users that copy "
        "into the same root folder. Null for replacements that no other job has.",
    )
    retain_uids: bool = strawberry.field(default=False, description="Whether UIDs stay.")
    retain_device: bool = strawberry.field(
        default=False, description="Whether the identity of the device stays."
    )
    retain_institution: bool = strawberry.field(
        default=False, description="Whether the identity of the institution stays."
    )
    retain_patient_characteristics: bool = strawberry.field(
        default=False,
        description="Whether sex, age, size, weight and the like of the patient stay.",
    )
    retain_longitudinal: DicomLongitudinal | None = strawberry.field(
        default=None, description="Whether dates and times stay. Null if they do not."
    )
    retain_safe_private: list[DicomSafePrivateInput] = strawberry.field(
        default_factory=list, description="Private elements that stay, at most 1,000."
    )
    replace: list[DicomReplacementInput] = strawberry.field(
        default_factory=list,
        description="Values for elements, at most 1,000, at every depth. Elements that a file lacks are added.",
    )
    keep: list[str] = strawberry.field(
        default_factory=list, description=f"Elements that stay as they are: {_TAGS}."
    )
    remove: list[str] = strawberry.field(
        default_factory=list,
        description=f"Elements that are removed, before `replace` and `keep`: {_TAGS}.",
    )
    allow_burned_in: bool = strawberry.field(
        default=False,
        description="Whether to copy instances, too, whose pixels may show text: that say so, or are "
        "screenshots or of modality US, OT, XC or ES and do not say that they show none.",
    )
    dry_run: bool = strawberry.field(
        default=False,
        description="Whether to return only the `actions`, and start no job.",
    )
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
