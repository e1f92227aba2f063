"""Mutations that create items of the kind `FILE` without a job."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.file_items import WITHOUT_FILES, create_file_item
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.files import validate_link, validate_sha256
from gateway.catalog.rules.names import (
    name_in_url,
    validate_description,
    validate_metadata,
    validate_name,
)
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.error_texts import between
from gateway.errors import bad_input
from gateway.kinds.enums import StorageLocationName
from resolvers.idempotency import create_once
from resolvers.inputs.revisions import CreateLinkItemInput, CreateStorageItemInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER

MAX_SIZE = 2**53 - 1
"""Bytes of a file that JavaScript clients can count."""


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


@dataclass(frozen=True, slots=True)
class CreateLinkItemOutcome(Outcome):
    """Outcome of `createLinkItem`."""

    item_uuid: UUID | None = None


@requires(USER.on_receiving_folder("folder_uuid"))
async def create_link_item(
    context: Context, input: CreateLinkItemInput, permissions: Permissions
) -> CreateLinkItemOutcome:
    """Create an item of the kind `FILE` whose file is at a public URL.

    The URL is never fetched: whether it works, and whether size and digest are right, is not
    checked. Whoever may read the item gets it as it is.
    """
    url = validate_link(input.url, "url")
    name = validate_name(name_in_url(url) if input.name is None else input.name, "name")
    size = input.file_size
    if size is not None and not 0 <= size <= MAX_SIZE:
        raise bad_input(between("fileSize", 0, MAX_SIZE, size), "fileSize")
    digest = validate_sha256(input.sha256, "sha256")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)

        async def create() -> UUID:
            return await create_file_item(
                transaction,
                context.viewer.user_uuid,
                input.folder_uuid,
                name,
                url=url,
                storage_location=StorageLocationName.DIRECT_ACCESS,
                file_size=size,
                sha256=digest,
            )

        uuid = await create_once(context, transaction, "createLinkItem", input, "item", create)
    return CreateLinkItemOutcome(item_uuid=uuid)
