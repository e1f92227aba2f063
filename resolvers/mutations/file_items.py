"""Mutations that create items of the kind `FILE` without a job."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.file_items import WITHOUT_FILES, create_file_item
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.names import validate_description, validate_metadata, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from resolvers.idempotency import create_once
from resolvers.inputs.revisions import CreateStorageItemInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER


@dataclass(frozen=True, slots=True)
class CreateStorageItemOutcome(Outcome):
    """Outcome of `createStorageItem`."""

    item_uuid: UUID | None = None


@requires(USER.on_receiving_folder("folder_uuid"))
async def create_storage_item(
    context: Context, input: CreateStorageItemInput, permissions: Permissions
) -> CreateStorageItemOutcome:
    """Create an item of the kind `FILE` that has no files yet.

    `startUploadJob` with `itemUuid` adds files to it. If the metadata schema is enforced, metadata
    must match it (`BAD_USER_INPUT`).
    """
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    metadata = validate_metadata(input.client_metadata, "clientMetadata")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        validator = await load_metadata_validator(transaction, context.services.settings)
        if error := validator.error(metadata, "clientMetadata"):
            raise error

        async def create() -> UUID:
            return await create_file_item(
                transaction,
                context.viewer.user_uuid,
                input.folder_uuid,
                name,
                description,
                metadata,
                **WITHOUT_FILES,
            )

        uuid = await create_once(context, transaction, "createStorageItem", input, "item", create)
    return CreateStorageItemOutcome(item_uuid=uuid)
