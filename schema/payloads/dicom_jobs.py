"""Payloads of mutations that start jobs about DICOM studies."""

from __future__ import annotations

import strawberry

from resolvers import dicom_jobs
from schema.common import USER_ERRORS, UserError
from schema.dicom_jobs import DicomDeletionJob
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="Result of `deleteDicomStudy`.")
class DeleteDicomStudyPayload:
    job: DicomDeletionJob | None = resolved(dicom_jobs.deletion_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)
