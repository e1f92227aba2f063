"""How collections are changed and filled, and filters are kept."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from gateway.auth.roles import require_role, roles_on_folders
from gateway.catalog import collections as catalog
from gateway.catalog.ledger.row_edits import locked_row, update_row
from gateway.catalog.rules.names import MAX_NAME, validate_description, validate_name
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.collections import (
    CollectionRecord,
    FilterPresetRecord,
    collections,
    filter_presets,
)
from resolvers.filters import item_conditions
from resolvers.idempotency import run_once
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
from resolvers.inputs.lists import StorageItemFilter
from resolvers.outcomes import Outcome
from resolvers.permissions import check_list_size, require_folder_role, requires

_USER = "USER on the collection's folder"


@dataclass(frozen=True, slots=True)
class CreateCollectionOutcome(Outcome):
    """Outcome of `createCollection`."""

    collection_uuid: UUID | None = None


@requires("USER on the folder")
async def create_collection(
    context: Context, input: CreateCollectionInput
) -> CreateCollectionOutcome:
    """Make a collection of items (ENC-CLIENT-19)."""
    name, description = _attributes(input)
    folder, viewer = input.top_level_folder_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await require_folder_role(
            context, transaction, folder, StorageUserRole.USER, "topLevelFolderUuid"
        )

        async def work() -> dict[str, Any]:
            made = await catalog.create_collection(transaction, viewer, folder, name, description)
            return {"collection": str(made)}

        done = await run_once(context, transaction, "createCollection", input, work)
    return CreateCollectionOutcome(collection_uuid=UUID(done["collection"]))


@dataclass(frozen=True, slots=True)
class UpdateCollectionOutcome(Outcome):
    """Outcome of `updateCollection`."""

    collection_uuid: UUID | None = None


@requires(_USER)
async def update_collection(
    context: Context, input: UpdateCollectionInput
) -> UpdateCollectionOutcome:
    """Change a collection's name or description; an empty change succeeds and changes nothing."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    async with context.database.writing() as transaction:
        present = await _held(context, transaction, input.collection_uuid)
        await update_row(
            transaction, context.viewer.user_uuid, CollectionRecord, "Collection", present, values
        )
    return UpdateCollectionOutcome(collection_uuid=input.collection_uuid)


@dataclass(frozen=True, slots=True)
class DeleteCollectionOutcome(Outcome):
    """Outcome of `deleteCollection`."""

    collection_uuid: UUID | None = None


@requires(_USER)
async def delete_collection(
    context: Context, input: DeleteCollectionInput
) -> DeleteCollectionOutcome:
    """Remove a collection; its items stay (ENC-CLIENT-19)."""
    async with context.database.writing() as transaction:
        present = await _held(context, transaction, input.collection_uuid)
        await catalog.delete_collection_or_preset(
            transaction, context.viewer.user_uuid, collections, "Collection", present
        )
    return DeleteCollectionOutcome(collection_uuid=input.collection_uuid)


@dataclass(frozen=True, slots=True)
class AddCollectionItemsOutcome(Outcome):
    """Outcome of `addCollectionItems`."""

    collection_uuid: UUID | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(f"{_USER}, and VIEWER on each item that is to be added")
async def add_collection_items(
    context: Context, input: AddCollectionItemsInput
) -> AddCollectionItemsOutcome:
    """Put items into a collection, and tell those that are not there or not to be seen (ENC-COLL-09)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        present = await _held(context, transaction, input.collection_uuid)
        failed = await catalog.add_items(transaction, context.viewer, present, input.item_uuids)
    return AddCollectionItemsOutcome(
        collection_uuid=input.collection_uuid, failed_item_uuids=_in_order(input.item_uuids, failed)
    )


@dataclass(frozen=True, slots=True)
class RemoveCollectionItemsOutcome(Outcome):
    """Outcome of `removeCollectionItems`."""

    collection_uuid: UUID | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(f"{_USER}, and VIEWER on each item that is to be taken out")
async def remove_collection_items(
    context: Context, input: RemoveCollectionItemsInput
) -> RemoveCollectionItemsOutcome:
    """Take items out of a collection, and tell those that it does not hold or that are not to be seen (ENC-COLL-09)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        present = await _held(context, transaction, input.collection_uuid)
        failed = await catalog.remove_items(transaction, context.viewer, present, input.item_uuids)
    return RemoveCollectionItemsOutcome(
        collection_uuid=input.collection_uuid, failed_item_uuids=_in_order(input.item_uuids, failed)
    )


@dataclass(frozen=True, slots=True)
class AddCollectionItemsByTitleOutcome(Outcome):
    """Outcome of `addCollectionItemsByTitle`."""

    collection_uuid: UUID | None = None
    requested_count: int | None = None
    matched_count: int | None = None
    added_count: int | None = None
    ambiguous_titles: list[str] | None = None
    unmatched_titles: list[str] | None = None
    failed_item_uuids: list[UUID] | None = None


@requires(_USER)
async def add_collection_items_by_title(
    context: Context, input: AddCollectionItemsByTitleInput
) -> AddCollectionItemsByTitleOutcome:
    """Put items into a collection by their names; a name that several have adds none of them (ENC-COLL-10, SUB-089)."""
    check_list_size(input.titles, "titles")
    for place, title in enumerate(input.titles):
        if len(title) > MAX_NAME:
            raise bad_input(f"A name has at most {MAX_NAME:,} characters.", "titles", place)
    titles = list(dict.fromkeys(input.titles))
    async with context.database.writing() as transaction:
        present = await _held(context, transaction, input.collection_uuid)
        found = await catalog.items_with_titles(transaction, present, titles)
        single = [found[title][0] for title in titles if len(found.get(title, ())) == 1]
        failed = await catalog.add_items(transaction, context.viewer, present, single)
    return AddCollectionItemsByTitleOutcome(
        collection_uuid=input.collection_uuid,
        requested_count=len(titles),
        matched_count=len(single),
        ambiguous_titles=[title for title in titles if len(found.get(title, ())) > 1],
        unmatched_titles=[title for title in titles if title not in found],
        added_count=len(single) - len(failed),
        failed_item_uuids=sorted(failed),
    )


@dataclass(frozen=True, slots=True)
class AddCollectionPresetItemsOutcome(Outcome):
    """Outcome of `addCollectionPresetItems`."""

    collection_uuid: UUID | None = None
    added_items_count: int | None = None


@requires(_USER)
async def add_collection_preset_items(
    context: Context, input: AddCollectionPresetItemsInput
) -> AddCollectionPresetItemsOutcome:
    """Put into a collection whatever a preset finds in its folder and below, now and all at once (ENC-COLL-11)."""
    async with context.database.writing() as transaction:
        present, conditions = await _preset(context, transaction, input)
        count = await catalog.add_matching(transaction, context.viewer, present, conditions)
    return AddCollectionPresetItemsOutcome(
        collection_uuid=input.collection_uuid, added_items_count=count
    )


@dataclass(frozen=True, slots=True)
class RemoveCollectionPresetItemsOutcome(Outcome):
    """Outcome of `removeCollectionPresetItems`."""

    collection_uuid: UUID | None = None
    removed_items_count: int | None = None


@requires(_USER)
async def remove_collection_preset_items(
    context: Context, input: RemoveCollectionPresetItemsInput
) -> RemoveCollectionPresetItemsOutcome:
    """Take out of a collection whatever a preset finds in its folder and below (ENC-COLL-11)."""
    async with context.database.writing() as transaction:
        present, conditions = await _preset(context, transaction, input)
        count = await catalog.remove_matching(
            transaction, context.viewer.user_uuid, present, conditions
        )
    return RemoveCollectionPresetItemsOutcome(
        collection_uuid=input.collection_uuid, removed_items_count=count
    )


@dataclass(frozen=True, slots=True)
class CreateFilterPresetOutcome(Outcome):
    """Outcome of `createFilterPreset`."""

    filter_preset_uuid: UUID | None = None


@requires("USER on the folder")
async def create_filter_preset(
    context: Context, input: CreateFilterPresetInput
) -> CreateFilterPresetOutcome:
    """Keep a filter of items under a name (ENC-CLIENT-20)."""
    name, description = _attributes(input)
    wanted, folder = input.filter, input.top_level_folder_uuid
    if not (wanted.search or wanted.item_types or wanted.is_in_dataset is not None):
        raise bad_input("This filter asks for nothing.", "filter")
    item_conditions(_asked(context, wanted))
    given = {to_camel_case(key): value for key, value in asdict(wanted).items()}
    async with context.database.writing() as transaction:
        await require_folder_role(
            context, transaction, folder, StorageUserRole.USER, "topLevelFolderUuid"
        )

        async def work() -> dict[str, Any]:
            viewer = context.viewer.user_uuid
            made = await catalog.create_filter_preset(
                transaction, viewer, folder, name, description, given
            )
            return {"preset": str(made)}

        done = await run_once(context, transaction, "createFilterPreset", input, work)
    return CreateFilterPresetOutcome(filter_preset_uuid=UUID(done["preset"]))


@dataclass(frozen=True, slots=True)
class DeleteFilterPresetOutcome(Outcome):
    """Outcome of `deleteFilterPreset`."""

    filter_preset_uuid: UUID | None = None


@requires("USER on the preset's folder")
async def delete_filter_preset(
    context: Context, input: DeleteFilterPresetInput
) -> DeleteFilterPresetOutcome:
    """Forget a filter (ENC-CLIENT-20)."""
    async with context.database.writing() as transaction:
        uuid = input.filter_preset_uuid
        present = await locked_row(
            transaction, FilterPresetRecord, uuid, "preset", "filterPresetUuid"
        )
        await _door(
            context, transaction, present, StorageUserRole.USER, "preset", "filterPresetUuid"
        )
        await catalog.delete_collection_or_preset(
            transaction, context.viewer.user_uuid, filter_presets, "FilterPreset", present
        )
    return DeleteFilterPresetOutcome(filter_preset_uuid=uuid)


def _attributes(input: CreateCollectionInput | CreateFilterPresetInput) -> tuple[str, str]:
    return validate_name(input.name, "name"), validate_description(input.description, "description")


def _in_order(uuids: list[UUID], failed: set[UUID]) -> list[UUID]:
    return [uuid for uuid in dict.fromkeys(uuids) if uuid in failed]


async def _held(context: Context, transaction: Transaction, uuid: UUID) -> Any:
    """A collection that the viewer may change, held until the transaction ends."""
    present = await locked_row(transaction, CollectionRecord, uuid, "collection", "collectionUuid")
    await _door(context, transaction, present, StorageUserRole.USER, "collection", "collectionUuid")
    return present


async def _door(
    context: Context,
    transaction: Transaction,
    present: Any,
    role: StorageUserRole,
    what: str,
    name: str,
) -> None:
    """The viewer holds the role on the folder to which something belongs, or is refused."""
    folder = present.top_level_folder_uuid
    held = await roles_on_folders(transaction.connection, context.viewer, [folder])
    require_role(held.get(folder), role, what, name)


async def _preset(
    context: Context,
    transaction: Transaction,
    input: AddCollectionPresetItemsInput | RemoveCollectionPresetItemsInput,
) -> tuple[Any, list[sa.ColumnElement[bool]]]:
    """A collection that the viewer may change, and what a preset that he may see asks of items."""
    present = await _held(context, transaction, input.collection_uuid)
    name = "filterPresetUuid"
    preset = await locked_row(
        transaction, FilterPresetRecord, input.filter_preset_uuid, "preset", name
    )
    await _door(context, transaction, preset, StorageUserRole.VIEWER, "preset", name)
    given = {to_snake_case(key): value for key, value in preset.filter.items()}
    if given["item_types"]:
        given["item_types"] = [StorageItemType(kind) for kind in given["item_types"]]
    return present, item_conditions(_asked(context, StorageItemFilter(**given)))


def _asked(context: Context, wanted: StorageItemFilter) -> EdgeQuery:
    return EdgeQuery(context.viewer, wanted)
