"""Inputs of mutations of tags."""

from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import (
    IDEMPOTENCY_KEY,
    description_of,
)

_TAGS = "UUIDs of 1 to 1,000 tags, without duplicates."


@strawberry.input(description="A new tag.")
class CreateOrganisationTagInput:
    name: str = strawberry.field(
        description="Name of the tag, 1 to 1,000 characters. Must be unique, case-sensitive."
    )
    description: str | None = strawberry.field(default=None, description=description_of("tag"))
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=IDEMPOTENCY_KEY,
    )


@strawberry.input(
    one_of=True,
    description="The tag to delete, by UUID or by name. It is removed from all folders.",
)
class DeleteOrganisationTagInput:
    organisation_tag_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description="UUID of the tag."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Name of the tag.")


@strawberry.input(description="Tags to add to a folder.")
class AddStorageFolderTagsInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of the folder. Folders below it are not tagged."
    )
    organisation_tag_uuids: list[UUID] = strawberry.field(description=_TAGS)


@strawberry.input(description="Tags to remove from a folder.")
class RemoveStorageFolderTagsInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    organisation_tag_uuids: list[UUID] = strawberry.field(
        description=f"{_TAGS} Tags that the folder does not have are ignored."
    )
