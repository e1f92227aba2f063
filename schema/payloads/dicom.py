"""Payloads of immediate mutations of DICOM studies."""

from __future__ import annotations

import strawberry

from resolvers.dicom import study_by_uuid
from resolvers.global_ids import ids_from
from resolvers.items import item_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.dicom import DicomStudy
from schema.fields import column, resolved, row_type
from schema.items import StorageItem


@row_type()
@strawberry.type(description="Result of `addStudyAttachment`.")
class AddStudyAttachmentPayload:
    study: DicomStudy | None = resolved(study_by_uuid, "The study.")
    item: StorageItem | None = resolved(item_by_uuid, "The attached item.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteStudyAttachment`.")
class DeleteStudyAttachmentPayload:
    study: DicomStudy | None = resolved(
        study_by_uuid, "The study. Null if it is gone with its last attachment."
    )
    item: StorageItem | None = resolved(item_by_uuid, "The item, which is not attached any more.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setDicomStudyPhi`.")
class SetDicomStudyPhiPayload:
    study: DicomStudy | None = resolved(study_by_uuid, "The corrected study.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `clearDicomStudyCache`.")
class ClearDicomStudyCachePayload:
    study: DicomStudy | None = resolved(study_by_uuid, "The study.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteDicomInstances`.")
class DeleteDicomInstancesPayload:
    removed_items_count: int | None = column("Number of items deleted, those of series included.")
    deleted_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "deleted_uuids"),
        "The global IDs of the deleted items; at most 10,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `extractDicomMetadata`.")
class ExtractDicomMetadataPayload:
    item_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "item_uuids"),
        "The global IDs of the items whose files are read again, in input order; at most 1,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)
