"""Mutations that create items of the kind `FILE` without a job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NotRequired, TypedDict
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
from gateway.catalog.taken_names import WantedName, choose_names, lock_home
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import between
from gateway.errors import bad_input, conflict
from gateway.kinds.enums import IfNameTaken, NameOutcome, StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from resolvers.idempotency import run_once
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
    name_outcome: NameOutcome | None = None


class StoredItem(TypedDict):
    """UUID of a created item, under an idempotency key; earlier releases stored no outcome."""

    item: str
    name_outcome: NotRequired[str]


Create = Callable[[str], Awaitable[UUID]]
"""Creates an item with a name, and returns its UUID."""


async def create_named(
    context: Context,
    transaction: Transaction,
    folder_uuid: UUID,
    name: str,
    rule: IfNameTaken,
    create: Create,
) -> StoredItem:
    """Create an item by the rule for taken names; the caller has called `lock_home`."""
    wanted = WantedName(folder_uuid, name, is_folder=False, path=("name",))
    [choice] = await choose_names(transaction, context.viewer, [wanted], rule)
    if choice.error:
        raise choice.error
    if choice.item and choice.item.item_type is not StorageItemType.FILE:
        raise conflict("The name is taken by an item of another kind.", "name")
    uuid = choice.item.uuid if choice.item else await create(choice.name)
    return {"item": str(uuid), "name_outcome": choice.outcome.value}


def outcome_of(stored: StoredItem) -> NameOutcome:
    """Return what became of the name of a created item."""
    return NameOutcome(stored.get("name_outcome", NameOutcome.AS_GIVEN))


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
    rule = input.if_name_taken
    async with context.database.writing() as transaction:
        await lock_home(transaction, input.folder_uuid, rule)
        await permissions.check(transaction)
        validator = await load_metadata_validator(transaction, context.services.settings)
        if error := validator.error(metadata, "clientMetadata"):
            raise error

        async def create(free_name: str) -> UUID:
            return await create_file_item(
                transaction,
                context.viewer.user_uuid,
                input.folder_uuid,
                free_name,
                description,
                metadata,
                **WITHOUT_FILES,
            )

        async def run() -> StoredItem:
            return await create_named(context, transaction, input.folder_uuid, name, rule, create)

        stored = await run_once(context, transaction, "createStorageItem", input, run)
    return CreateStorageItemOutcome(item_uuid=UUID(stored["item"]), name_outcome=outcome_of(stored))


@dataclass(frozen=True, slots=True)
class CreateLinkItemOutcome(Outcome):
    """Outcome of `createLinkItem`."""

    item_uuid: UUID | None = None
    name_outcome: NameOutcome | None = None


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
    digest, rule = validate_sha256(input.sha256, "sha256"), input.if_name_taken
    if rule is IfNameTaken.REUSE:
        message = "A link is a new item. Use RENAME, REFUSE or ALLOW_DUPLICATE."
        raise bad_input(message, "ifNameTaken")
    async with context.database.writing() as transaction:
        await lock_home(transaction, input.folder_uuid, rule)
        await permissions.check(transaction)

        async def create(free_name: str) -> UUID:
            return await create_file_item(
                transaction,
                context.viewer.user_uuid,
                input.folder_uuid,
                free_name,
                url=url,
                storage_location=StorageLocationName.DIRECT_ACCESS,
                file_size=size,
                sha256=digest,
            )

        async def run() -> StoredItem:
            return await create_named(context, transaction, input.folder_uuid, name, rule, create)

        stored = await run_once(context, transaction, "createLinkItem", input, run)
    return CreateLinkItemOutcome(item_uuid=UUID(stored["item"]), name_outcome=outcome_of(stored))
