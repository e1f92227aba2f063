"""Payloads of mutations of tags by which DICOM studies are filtered."""

from __future__ import annotations

import strawberry

from resolvers.dicom_indexed_tags import indexed_tag_by_uuid, indexing_by_uuid
from resolvers.global_ids import id_from
from schema.common import USER_ERRORS, UserError
from schema.dicom_indexed_tags import DicomIndexedTag, IndexingJob
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="Result of `addDicomIndexedTag`.")
class AddDicomIndexedTagPayload:
    indexed_tag: DicomIndexedTag | None = resolved(indexed_tag_by_uuid, "The indexed tag.")
    job: IndexingJob | None = resolved(
        indexing_by_uuid, "The job that fills in the values of existing instances."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeDicomIndexedTag`.")
class RemoveDicomIndexedTagPayload:
    removed_id: strawberry.ID | None = resolved(
        id_from("DicomIndexedTag", "removed_tag_uuid"), "The global ID of the removed tag."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
