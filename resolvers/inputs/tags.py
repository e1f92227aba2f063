"""What a client sends to change the organisation's tags, and the tags of folders."""

from uuid import UUID

import strawberry

_TAGS = "1 to 1,000 tags, none of them twice."


@strawberry.input(description="A tag to be made (ENC-CLIENT-11).")
class CreateOrganisationTagInput:
    name: str = strawberry.field(
        description="1 to 1,000 characters; no other tag has it, letter by letter."
    )
    description: str | None = strawberry.field(
        default=None, description="At most 10,000 characters."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours gives the same answer instead of doing it again.",
    )


@strawberry.input(description="A tag to be removed, also from all folders (ENC-CLIENT-12).")
class DeleteOrganisationTagInput:
    organisation_tag_uuid: UUID | None = strawberry.field(
        default=None, description="The tag; this or the name."
    )
    name: str | None = strawberry.field(
        default=None, description="The tag's name; this or the uuid."
    )


@strawberry.input(description="Tags that a folder gets.")
class AddStorageFolderTagsInput:
    folder_uuid: UUID = strawberry.field(description="The folder; those below it get nothing.")
    organisation_tag_uuids: list[UUID] = strawberry.field(description=_TAGS)


@strawberry.input(description="Tags that a folder loses.")
class RemoveStorageFolderTagsInput:
    folder_uuid: UUID = strawberry.field(description="The folder.")
    organisation_tag_uuids: list[UUID] = strawberry.field(
        description=f"{_TAGS} Those that it does not have are passed over."
    )
