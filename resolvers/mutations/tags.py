"""How the organisation's tags are changed, and given to folders."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog import tags as catalog
from gateway.catalog.ledger.row_edits import locked_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import bad_input, not_found
from gateway.kinds.enums import SiteRole, StorageUserRole
from gateway.models.folders import FolderRecord
from gateway.models.tags import OrganisationTagRecord, organisation_tags
from resolvers.id_lists import check_ids_exist
from resolvers.idempotency import run_once
from resolvers.inputs.tags import (
    AddStorageFolderTagsInput,
    CreateOrganisationTagInput,
    DeleteOrganisationTagInput,
    RemoveStorageFolderTagsInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import check_list_size, require_folder_role, requires

_SITE_ADMIN = "ADMIN of the site"


@dataclass(frozen=True, slots=True)
class CreateOrganisationTagOutcome(Outcome):
    """Outcome of `createOrganisationTag`."""

    organisation_tag_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def create_organisation_tag(
    context: Context, input: CreateOrganisationTagInput
) -> CreateOrganisationTagOutcome:
    """Make a tag for folders (ENC-CLIENT-11)."""
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    async with context.database.writing() as transaction:

        async def work() -> dict[str, Any]:
            return {
                "tag": str(
                    await catalog.create_tag(
                        transaction, context.viewer.user_uuid, name, description
                    )
                )
            }

        done = await run_once(context, transaction, "createOrganisationTag", input, work)
    return CreateOrganisationTagOutcome(organisation_tag_uuid=UUID(done["tag"]))


@dataclass(frozen=True, slots=True)
class DeleteOrganisationTagOutcome(Outcome):
    """Outcome of `deleteOrganisationTag`."""

    organisation_tag_uuid: UUID | None = None
    untagged_folders_count: int | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def delete_organisation_tag(
    context: Context, input: DeleteOrganisationTagInput
) -> DeleteOrganisationTagOutcome:
    """Remove a tag from the organisation and from all folders that have it (ENC-CLIENT-12)."""
    async with context.database.writing() as transaction:
        tag = await _chosen(transaction, input)
        count = await catalog.delete_tag(transaction, context.viewer.user_uuid, tag)
    return DeleteOrganisationTagOutcome(
        organisation_tag_uuid=tag.uuid, untagged_folders_count=count
    )


@dataclass(frozen=True, slots=True)
class AddStorageFolderTagsOutcome(Outcome):
    """Outcome of `addStorageFolderTags`."""

    folder_uuid: UUID | None = None


@requires("USER on the folder")
async def add_storage_folder_tags(
    context: Context, input: AddStorageFolderTagsInput
) -> AddStorageFolderTagsOutcome:
    """Give a folder tags; those that it has stay."""
    async with context.database.writing() as transaction:
        folder, tags = await _folder_and_tags(context, transaction, input)
        await catalog.tag_folder(transaction, context.viewer.user_uuid, folder, tags)
    return AddStorageFolderTagsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class RemoveStorageFolderTagsOutcome(Outcome):
    """Outcome of `removeStorageFolderTags`."""

    folder_uuid: UUID | None = None


@requires("USER on the folder")
async def remove_storage_folder_tags(
    context: Context, input: RemoveStorageFolderTagsInput
) -> RemoveStorageFolderTagsOutcome:
    """Take tags from a folder; the tags themselves stay."""
    async with context.database.writing() as transaction:
        folder, tags = await _folder_and_tags(context, transaction, input)
        await catalog.untag_folder(transaction, context.viewer.user_uuid, folder, tags)
    return RemoveStorageFolderTagsOutcome(folder_uuid=input.folder_uuid)


async def _chosen(transaction: Transaction, input: DeleteOrganisationTagInput) -> Any:
    if (input.organisation_tag_uuid is None) == (input.name is None):
        raise bad_input("Give exactly one of organisationTagUuid and name.", "organisationTagUuid")
    if input.organisation_tag_uuid:
        return await locked_row(
            transaction,
            OrganisationTagRecord,
            input.organisation_tag_uuid,
            "tag",
            "organisationTagUuid",
        )
    named = sa.select(organisation_tags).where(organisation_tags.c.name == input.name)
    found = await transaction.first(named.with_for_update())
    if found is None:
        raise not_found("tag", "name")
    return found


async def _folder_and_tags(
    context: Context,
    transaction: Transaction,
    input: AddStorageFolderTagsInput | RemoveStorageFolderTagsInput,
) -> tuple[Any, dict[UUID, str]]:
    check_list_size(input.organisation_tag_uuids, "organisationTagUuids")
    await require_folder_role(
        context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid"
    )
    folder = await locked_row(transaction, FolderRecord, input.folder_uuid, "folder", "folderUuid")
    tags = await catalog.locked_tags(transaction, input.organisation_tag_uuids)
    check_ids_exist(input.organisation_tag_uuids, tags, "tag", "organisationTagUuids")
    return folder, tags
