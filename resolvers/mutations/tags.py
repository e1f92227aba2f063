"""Mutations that change the organisation's tags, and give them to folders or take them away."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog import tags as catalog
from gateway.catalog.ledger.row_edits import lock_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import not_found
from gateway.models.folders import FolderRecord
from gateway.models.tags import organisation_tags
from resolvers.id_lists import check_ids_exist, check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.choices import set_value
from resolvers.inputs.tags import (
    AddStorageFolderTagsInput,
    CreateOrganisationTagInput,
    DeleteOrganisationTagInput,
    RemoveStorageFolderTagsInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires, requires_site_admin
from resolvers.requirements import USER


@dataclass(frozen=True, slots=True)
class CreateOrganisationTagOutcome(Outcome):
    """Outcome of `createOrganisationTag`."""

    organisation_tag_uuid: UUID | None = None


@requires_site_admin
async def create_organisation_tag(
    context: Context, input: CreateOrganisationTagInput
) -> CreateOrganisationTagOutcome:
    """Create a tag for folders.

    Fails with `CONFLICT` if there is a tag with exactly this name.
    """
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:

        async def create() -> UUID:
            return await catalog.create_tag(transaction, viewer, name, description)

        uuid = await create_once(
            context, transaction, "createOrganisationTag", input, "tag", create
        )
    return CreateOrganisationTagOutcome(organisation_tag_uuid=uuid)


@dataclass(frozen=True, slots=True)
class DeleteOrganisationTagOutcome(Outcome):
    """Outcome of `deleteOrganisationTag`."""

    organisation_tag_uuid: UUID | None = None
    untagged_folders_count: int | None = None
    job_uuid: UUID | None = None


@requires_site_admin
async def delete_organisation_tag(
    context: Context, input: DeleteOrganisationTagInput
) -> DeleteOrganisationTagOutcome:
    """Delete a tag, by UUID or by name, and remove it from all folders that have it.

    It is gone for everyone at once. If more than 1,000 folders have it, `job` removes it from them.
    """
    uuid, name = set_value(input.organisation_tag_uuid), set_value(input.name)
    matches = organisation_tags.c.uuid == uuid if uuid else organisation_tags.c.name == name
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        tag = await catalog.find_tag(transaction, matches)
        if tag is None:
            raise not_found("tag", uuid or name, "organisationTagUuid" if uuid else "name")
        deleted = await catalog.delete_tag(transaction, queue, viewer, tag)
    return DeleteOrganisationTagOutcome(
        organisation_tag_uuid=tag.uuid,
        untagged_folders_count=deleted.folder_count,
        job_uuid=deleted.job_uuid,
    )


@dataclass(frozen=True, slots=True)
class AddStorageFolderTagsOutcome(Outcome):
    """Outcome of `addStorageFolderTags`."""

    folder_uuid: UUID | None = None


@requires(USER.on_folder("folder_uuid"))
async def add_storage_folder_tags(
    context: Context, input: AddStorageFolderTagsInput, permissions: Permissions
) -> AddStorageFolderTagsOutcome:
    """Add 1 to 1,000 tags to a folder. Its other tags are kept.

    If one of the tags does not exist (`NOT_FOUND`), none is added.
    """
    check_list_size(input.organisation_tag_uuids, "organisationTagUuids")
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        folder, tags = await _folder_and_tags(transaction, input)
        await catalog.tag_folder(transaction, context.viewer.user_uuid, folder, tags)
    return AddStorageFolderTagsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class RemoveStorageFolderTagsOutcome(Outcome):
    """Outcome of `removeStorageFolderTags`."""

    folder_uuid: UUID | None = None


@requires(USER.on_folder("folder_uuid"))
async def remove_storage_folder_tags(
    context: Context, input: RemoveStorageFolderTagsInput, permissions: Permissions
) -> RemoveStorageFolderTagsOutcome:
    """Remove 1 to 1,000 tags from a folder; the tags themselves are not deleted.

    Tags that the folder does not have are ignored. If one of the tags does not exist
    (`NOT_FOUND`), none is removed.
    """
    check_list_size(input.organisation_tag_uuids, "organisationTagUuids")
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        folder, tags = await _folder_and_tags(transaction, input)
        await catalog.untag_folder(transaction, context.viewer.user_uuid, folder, tags)
    return RemoveStorageFolderTagsOutcome(folder_uuid=input.folder_uuid)


async def _folder_and_tags(
    transaction: Transaction, input: AddStorageFolderTagsInput | RemoveStorageFolderTagsInput
) -> tuple[FolderRecord, dict[UUID, str]]:
    """Lock the folder and the tags of an input; return its row and their names by UUID."""
    folder = await lock_row(transaction, FolderRecord, input.folder_uuid, "folder", "folderUuid")
    tags = await catalog.lock_tags(transaction, input.organisation_tag_uuids)
    check_ids_exist(input.organisation_tag_uuids, tags, "tag", "organisationTagUuids")
    return folder, tags
