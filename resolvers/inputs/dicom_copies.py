"""Inputs of mutations that copy DICOM studies."""

from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import (
    ALLOW_PUBLIC,
    DATASET_CHANGES,
    IDEMPOTENCY_KEY,
    MIRROR_CHANGES,
)
from resolvers.inputs.dicom_studies import DicomStudyInput

SERIES_UIDS = "Series Instance UIDs (0020,000E) of the series to copy, at most 1,000. Null for all."
TARGET = "UUID of the folder that gets the copies. It must not be cloud-synced."
_NEW_UIDS = "Null means yes if the Study Instance UID changes, and no if it stays."
NEW_SERIES_UIDS = f"Whether series get new UIDs. {_NEW_UIDS}"
NEW_INSTANCE_UIDS = (
    "Whether all instances get new SOP Instance UIDs, rather than those alone that the study has "
    f"already. {_NEW_UIDS}"
)


@strawberry.input(description="A DICOM study of which series become a study of their own.")
class SplitDicomStudyInput(DicomStudyInput):
    series_uids: list[str] | None = strawberry.field(default=None, description=SERIES_UIDS)
    target_folder_uuid: UUID = strawberry.field(description=TARGET)
    delete_from_source: bool = strawberry.field(
        default=False,
        description="Whether the originals are deleted, once all copies are made.",
    )
    new_series_uids: bool | None = strawberry.field(default=None, description=NEW_SERIES_UIDS)
    new_instance_uids: bool | None = strawberry.field(default=None, description=NEW_INSTANCE_UIDS)
    allow_dataset_changes: bool = strawberry.field(default=False, description=DATASET_CHANGES)
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A DICOM study to copy.")
class CloneDicomStudyInput(DicomStudyInput):
    target_folder_uuid: UUID = strawberry.field(description=TARGET)
    new_series_uids: bool | None = strawberry.field(default=None, description=NEW_SERIES_UIDS)
    new_instance_uids: bool | None = strawberry.field(default=None, description=NEW_INSTANCE_UIDS)
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="DICOM studies that become a part of another one.")
class MergeDicomStudiesInput:
    primary: DicomStudyInput = strawberry.field(
        description="The study that they become a part of. If its parts that the viewer sees lie in "
        "several folders, `folderUuid` must be that of one of these, which gets the copies."
    )
    secondaries: list[DicomStudyInput] = strawberry.field(
        description="1 to 100 other studies, without duplicates."
    )
    series_uids: list[str] | None = strawberry.field(default=None, description=SERIES_UIDS)
    delete_secondaries: bool = strawberry.field(
        default=False,
        description="Whether the originals are deleted, once all copies are made.",
    )
    new_series_uids: bool | None = strawberry.field(default=None, description=NEW_SERIES_UIDS)
    new_instance_uids: bool | None = strawberry.field(default=None, description=NEW_INSTANCE_UIDS)
    allow_dataset_changes: bool = strawberry.field(default=False, description=DATASET_CHANGES)
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
