"""Payloads of mutations that start jobs about DICOM studies."""

from __future__ import annotations

import strawberry

from gateway.kinds.enums import DicomAnonymizationAction
from resolvers import dicom_jobs
from schema.common import USER_ERRORS, UserError
from schema.dicom_jobs import DicomCopyJob, DicomDeletionJob
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="Result of `deleteDicomStudy`.")
class DeleteDicomStudyPayload:
    job: DicomDeletionJob | None = resolved(dicom_jobs.deletion_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `splitDicomStudy`.")
class SplitDicomStudyPayload:
    job: DicomCopyJob | None = resolved(dicom_jobs.copies_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `cloneDicomStudy`.")
class CloneDicomStudyPayload:
    job: DicomCopyJob | None = resolved(dicom_jobs.copies_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `mergeDicomStudies`.")
class MergeDicomStudiesPayload:
    job: DicomCopyJob | None = resolved(dicom_jobs.copies_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="An action of an anonymization on an element.")
class DicomTagAction:
    path: str = column(
        "The tag of the element in hexadecimal digits, such as `00100010`; within sequences after "
        "those of the sequences, as `00081140:00081155`."
    )
    action: DicomAnonymizationAction = column("The action.")


@row_type()
@strawberry.type(description="Result of `anonymizeDicomStudies`.")
class AnonymizeDicomStudiesPayload:
    job: DicomCopyJob | None = resolved(
        dicom_jobs.copies_by_uuid, "The new job; null with `dryRun`."
    )
    actions: list[DicomTagAction] | None = column(
        "With `dryRun`, what would become of each element of the earliest instance of each series, by "
        "tag: at most 10,000. Null otherwise."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
