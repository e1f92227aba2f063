"""Mutations of collections, of the items in them, and of filter presets."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog import collections as catalog
from gateway.catalog.collecting import Collected, start_collecting
from gateway.catalog.ledger.row_edits import lock_row, update_row
from gateway.catalog.rules.names import MAX_NAME, validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import sized
from gateway.errors import DomainError, bad_input
from gateway.models.collections import CollectionRecord, FilterPresetRecord
from resolvers.id_lists import check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.collections import (
    AddCollectionItemsByTitleInput,
    AddCollectionItemsInput,
    AddCollectionPresetItemsInput,
    CreateCollectionInput,
    CreateFilterPresetInput,
    DeleteCollectionInput,
    DeleteFilterPresetInput,
    RemoveCollectionItemsInput,
    RemoveCollectionPresetItemsInput,
    UpdateCollectionInput,
)
from resolvers.item_conditions import is_narrowing
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.preset_conditions import item_query, read_filter
from resolvers.requirements import USER, VIEWER
from resolvers.stored_filters import filter_to_json

_USER = USER.on_folder_of("collection_uuid", "collection")
_PRESET_VIEWER = VIEWER.on_folder_of("filter_preset_uuid", "preset")


@dataclass(frozen=True, slots=True)
class CreateCollectionOutcome(Outcome):
    """Outcome of `createCollection`."""

    collection_uuid: UUID | None = None


@requires(USER.on_folder("top_level_folder_uuid"))
async def create_collection(
    context: Context, input: CreateCollectionInput, permissions: Permissions
) -> CreateCollectionOutcome:
    """Create an empty collection of items, which belongs to a folder.

    Roles on the folder apply to the collection. Its items may be in any folder.
    """
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    folder, viewer = input.top_level_folder_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)

        async def create() -> UUID:
            return await catalog.create_collection(transaction, viewer, folder, name, description)

        uuid = await create_once(
            context, transaction, "createCollection", input, "collection", create
        )
    return CreateCollectionOutcome(collection_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateCollectionOutcome(Outcome):
    """Outcome of `updateCollection`."""

    collection_uuid: UUID | None = None


@requires(_USER)
async def update_collection(
    context: Context, input: UpdateCollectionInput, permissions: Permissions
) -> UpdateCollectionOutcome:
    """Change a collection's name or description. Omitted fields are not changed."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        folder = collection.top_level_folder_uuid
        await update_row(
            transaction,
            viewer,
            CollectionRecord,
            "Collection",
            collection,
            values,
            folder_uuid=folder,
        )
    return UpdateCollectionOutcome(collection_uuid=input.collection_uuid)


@dataclass(frozen=True, slots=True)
class DeleteCollectionOutcome(Outcome):
    """Outcome of `deleteCollection`."""

    collection_uuid: UUID | None = None
    job_uuid: UUID | None = None


@requires(_USER)
async def delete_collection(
    context: Context, input: DeleteCollectionInput, permissions: Permissions
) -> DeleteCollectionOutcome:
    """Delete a collection; its items are not deleted.

    It is gone for everyone at once. If it has more than 1,000 items, `job` removes it.
    """
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        job = await catalog.delete_collection(transaction, queue, viewer, collection)
    return DeleteCollectionOutcome(collection_uuid=input.collection_uuid, job_uuid=job)


@dataclass(frozen=True, slots=True)
class AddCollectionItemsOutcome(Outcome):
    """Outcome of `addCollectionItems`."""

    collection_uuid: UUID | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(_USER)
async def add_collection_items(
    context: Context, input: AddCollectionItemsInput, permissions: Permissions
) -> AddCollectionItemsOutcome:
    """Add 1 to 1,000 items to a collection.

    Items that do not exist or that the viewer cannot see are skipped and returned in
    `failedItemUuids`. Items that are already in the collection are kept.
    """
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        failed = await catalog.add_items(transaction, context.viewer, collection, input.item_uuids)
    return AddCollectionItemsOutcome(
        collection_uuid=input.collection_uuid,
        failed_item_uuids=_in_input_order(input.item_uuids, failed),
    )


@dataclass(frozen=True, slots=True)
class RemoveCollectionItemsOutcome(Outcome):
    """Outcome of `removeCollectionItems`."""

    collection_uuid: UUID | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(_USER)
async def remove_collection_items(
    context: Context, input: RemoveCollectionItemsInput, permissions: Permissions
) -> RemoveCollectionItemsOutcome:
    """Remove 1 to 1,000 items from a collection; the items are not deleted.

    Items that are not in the collection or that the viewer cannot see are skipped and returned in
    `failedItemUuids`.
    """
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        failed = await catalog.remove_items(
            transaction, context.viewer, collection, input.item_uuids
        )
    return RemoveCollectionItemsOutcome(
        collection_uuid=input.collection_uuid,
        failed_item_uuids=_in_input_order(input.item_uuids, failed),
    )


@dataclass(frozen=True, slots=True)
class AddCollectionItemsByTitleOutcome(Outcome):
    """Outcome of `addCollectionItemsByTitle`."""

    collection_uuid: UUID | None = None
    requested_count: int | None = None
    matched_count: int | None = None
    added_items_count: int | None = None
    ambiguous_titles: list[str] | None = None
    unmatched_titles: list[str] | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(_USER)
async def add_collection_items_by_title(
    context: Context, input: AddCollectionItemsByTitleInput, permissions: Permissions
) -> AddCollectionItemsByTitleOutcome:
    """Add items to a collection by 1 to 1,000 exact names.

    Names are looked up in the collection's folder and everything below it. A name that several
    items have adds none of them and is returned in `ambiguousTitles`; a name that no item has is
    returned in `unmatchedTitles`.
    """
    check_list_size(input.titles, "titles")
    for index, title in enumerate(input.titles):
        if len(title) > MAX_NAME:
            raise bad_input(sized("A title", 0, MAX_NAME, len(title)), "titles", index)
    titles = list(dict.fromkeys(input.titles))
    async with context.database.writing() as transaction:
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        matches = await catalog.items_with_titles(transaction, collection, titles)
        unique = [matches[title][0] for title in titles if len(matches.get(title, ())) == 1]
        failed = await catalog.add_items(transaction, context.viewer, collection, unique)
    return AddCollectionItemsByTitleOutcome(
        collection_uuid=input.collection_uuid,
        requested_count=len(titles),
        matched_count=len(unique),
        ambiguous_titles=[title for title in titles if len(matches.get(title, ())) > 1],
        unmatched_titles=[title for title in titles if title not in matches],
        added_items_count=len(unique) - len(failed),
        failed_item_uuids=sorted(failed),
    )


@dataclass(frozen=True, slots=True)
class AddCollectionPresetItemsOutcome(Outcome):
    """Outcome of `addCollectionPresetItems`."""

    collection_uuid: UUID | None = None
    added_items_count: int | None = None
    job_uuid: UUID | None = None


@requires(_USER, _PRESET_VIEWER)
async def add_collection_preset_items(
    context: Context, input: AddCollectionPresetItemsInput, permissions: Permissions
) -> AddCollectionPresetItemsOutcome:
    """Add all items that match a filter preset now to a collection.

    The filter applies to the collection's folder and everything below it. Items that match later
    are not added automatically. Of more than 1,000 items, the first are added at once and the
    others by `job`, with those that match by then.
    """
    added = await _collect(context, input, permissions, removes=False)
    return AddCollectionPresetItemsOutcome(
        collection_uuid=input.collection_uuid,
        added_items_count=added.item_count,
        job_uuid=added.job_uuid,
    )


@dataclass(frozen=True, slots=True)
class RemoveCollectionPresetItemsOutcome(Outcome):
    """Outcome of `removeCollectionPresetItems`."""

    collection_uuid: UUID | None = None
    removed_items_count: int | None = None
    job_uuid: UUID | None = None


@requires(_USER, _PRESET_VIEWER)
async def remove_collection_preset_items(
    context: Context, input: RemoveCollectionPresetItemsInput, permissions: Permissions
) -> RemoveCollectionPresetItemsOutcome:
    """Remove all items that match a filter preset now from a collection; they are not deleted.

    The filter applies to the collection's folder and everything below it. Of more than 1,000
    items, the first are removed at once and the others by `job`.
    """
    removed = await _collect(context, input, permissions, removes=True)
    return RemoveCollectionPresetItemsOutcome(
        collection_uuid=input.collection_uuid,
        removed_items_count=removed.item_count,
        job_uuid=removed.job_uuid,
    )


@dataclass(frozen=True, slots=True)
class CreateFilterPresetOutcome(Outcome):
    """Outcome of `createFilterPreset`."""

    filter_preset_uuid: UUID | None = None


@requires(USER.on_folder("top_level_folder_uuid"))
async def create_filter_preset(
    context: Context, input: CreateFilterPresetInput, permissions: Permissions
) -> CreateFilterPresetOutcome:
    """Save an item filter as a preset. Roles on the folder apply to it."""
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    filter, folder = input.filter, input.top_level_folder_uuid
    if not is_narrowing(await item_query(context, filter)):
        raise bad_input("The filter requires a condition.", "filter")
    content = filter_to_json(filter)
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)

        async def create() -> UUID:
            return await catalog.create_filter_preset(
                transaction, viewer, folder, name, description, content
            )

        uuid = await create_once(
            context, transaction, "createFilterPreset", input, "preset", create
        )
    return CreateFilterPresetOutcome(filter_preset_uuid=uuid)


@dataclass(frozen=True, slots=True)
class DeleteFilterPresetOutcome(Outcome):
    """Outcome of `deleteFilterPreset`."""

    filter_preset_uuid: UUID | None = None


@requires(USER.on_folder_of("filter_preset_uuid", "preset"))
async def delete_filter_preset(
    context: Context, input: DeleteFilterPresetInput, permissions: Permissions
) -> DeleteFilterPresetOutcome:
    """Delete a filter preset. Collections that were filled with it are not changed."""
    uuid, viewer = input.filter_preset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        preset = await _lock_preset(transaction, uuid, permissions)
        await catalog.delete_filter_preset(transaction, viewer, preset)
    return DeleteFilterPresetOutcome(filter_preset_uuid=uuid)


def _in_input_order(uuids: list[UUID], failed: Container[UUID]) -> list[UUID]:
    return [uuid for uuid in dict.fromkeys(uuids) if uuid in failed]


async def _lock_collection(
    transaction: Transaction, uuid: UUID, permissions: Permissions
) -> CollectionRecord:
    """Lock a collection and check the role on its folder."""
    row = await lock_row(transaction, CollectionRecord, uuid, "collection", "collectionUuid")
    await permissions.check_folder_of(transaction, "collection_uuid", row.top_level_folder_uuid)
    return row


async def _lock_preset(
    transaction: Transaction, uuid: UUID, permissions: Permissions
) -> FilterPresetRecord:
    """Lock a filter preset and check the role on its folder."""
    row = await lock_row(transaction, FilterPresetRecord, uuid, "preset", "filterPresetUuid")
    await permissions.check_folder_of(transaction, "filter_preset_uuid", row.top_level_folder_uuid)
    return row


async def _collect(
    context: Context,
    input: AddCollectionPresetItemsInput | RemoveCollectionPresetItemsInput,
    permissions: Permissions,
    *,
    removes: bool,
) -> Collected:
    """Add the items that match a preset to a collection, or remove them."""
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        collection = await _lock_collection(transaction, input.collection_uuid, permissions)
        preset = await _lock_preset(transaction, input.filter_preset_uuid, permissions)
        try:
            conditions = await read_filter(context, preset.filter)
        except DomainError as error:  # a metadata key has been deleted or has another type by now
            raise DomainError(error.code, error.message, ("filterPresetUuid",)) from None
        return await start_collecting(
            transaction,
            context.services.queue,
            context.viewer,
            collection,
            preset.filter,
            conditions,
            removes=removes,
        )
