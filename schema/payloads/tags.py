"""Payloads of mutations of tags."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.global_ids import id_from
from resolvers.jobs import deletion_by_uuid
from resolvers.tags import tag_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.tags import OrganisationTag


@row_type()
@strawberry.type(description="Result of `createOrganisationTag`.")
class CreateOrganisationTagPayload:
    organisation_tag: OrganisationTag | None = resolved(tag_by_uuid, "The new tag.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteOrganisationTag`.")
class DeleteOrganisationTagPayload:
    organisation_tag_uuid: UUID | None = column("The UUID of the deleted tag.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("OrganisationTag", "organisation_tag_uuid"), "The global ID of the deleted tag."
    )
    untagged_folders_count: int | None = column("Number of folders that had the tag.")
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes the tag from its folders if they are more than 1,000. For everyone "
        "it is gone already.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addStorageFolderTags`.")
class AddStorageFolderTagsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeStorageFolderTags`.")
class RemoveStorageFolderTagsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    user_errors: list[UserError] = column(USER_ERRORS)
