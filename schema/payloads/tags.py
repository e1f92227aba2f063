"""What mutations of tags answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.tags import tag_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.tags import OrganisationTag


@of()
@strawberry.type(description="The tag that was made.")
class CreateOrganisationTagPayload:
    organisation_tag: OrganisationTag | None = resolved(tag_by_uuid, "The new tag.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The tag that was removed.")
class DeleteOrganisationTagPayload:
    organisation_tag_uuid: UUID | None = column("The tag that is gone.")
    untagged_folders_count: int | None = column("How many folders had it.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder that got tags.")
class AddStorageFolderTagsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder that lost tags.")
class RemoveStorageFolderTagsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder as it is now.")
    user_errors: list[UserError] = column(REFUSED)
