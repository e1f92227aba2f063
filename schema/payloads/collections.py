"""Payloads of mutations of collections and filter presets."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.collections import collection_by_uuid, preset_by_uuid
from resolvers.global_ids import id_from, ids_from
from resolvers.jobs import collecting_by_uuid, deletion_by_uuid
from schema.collecting import CollectingJob
from schema.collections import Collection, FilterPreset
from schema.common import USER_ERRORS, UserError
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="Result of `createCollection`.")
class CreateCollectionPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The new collection.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateCollection`.")
class UpdateCollectionPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteCollection`.")
class DeleteCollectionPayload:
    collection_uuid: UUID | None = column("The UUID of the deleted collection.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("Collection", "collection_uuid"), "The global ID of the deleted collection."
    )
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes the collection if it has more than 1,000 items. For everyone it is "
        "gone already.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addCollectionItems`.")
class AddCollectionItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    failed_item_uuids: list[UUID] | None = column(
        "UUIDs of items that do not exist or that the viewer cannot see; at most 1,000."
    )
    failed_item_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "failed_item_uuids"),
        "Global IDs with those UUIDs, in the same order; at most 1,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeCollectionItems`.")
class RemoveCollectionItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    failed_item_uuids: list[UUID] | None = column(
        "UUIDs of items that were not in the collection or that the viewer cannot see; at most "
        "1,000."
    )
    failed_item_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "failed_item_uuids"),
        "Global IDs with those UUIDs, in the same order; at most 1,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(
    description="Result of `addCollectionItemsByTitle`. Each requested title counts once: "
    "`requestedCount` is `matchedCount` plus the lengths of `ambiguousTitles` and "
    "`unmatchedTitles`."
)
class AddCollectionItemsByTitlePayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    requested_count: int | None = column("Number of distinct titles in the request.")
    matched_count: int | None = column("Number of titles that match exactly one item.")
    added_items_count: int | None = column(
        "Number of matched items that are in the collection now."
    )
    ambiguous_titles: list[str] | None = column("Titles that match several items; at most 1,000.")
    unmatched_titles: list[str] | None = column("Titles that match no item; at most 1,000.")
    failed_item_uuids: list[UUID] | None = column(
        "UUIDs of items that were deleted during the operation; at most 1,000."
    )
    failed_item_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "failed_item_uuids"),
        "Global IDs with those UUIDs, in the same order; at most 1,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addCollectionPresetItems`.")
class AddCollectionPresetItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    added_items_count: int | None = column("Number of items added at once; at most 1,000.")
    job: CollectingJob | None = resolved(
        collecting_by_uuid,
        "The job for the other items if more than 1,000 match. Null if all are added.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeCollectionPresetItems`.")
class RemoveCollectionPresetItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The changed collection.")
    removed_items_count: int | None = column("Number of items removed at once; at most 1,000.")
    job: CollectingJob | None = resolved(
        collecting_by_uuid,
        "The job for the other items if more than 1,000 match. Null if all are removed.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `createFilterPreset`.")
class CreateFilterPresetPayload:
    filter_preset: FilterPreset | None = resolved(preset_by_uuid, "The new preset.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteFilterPreset`.")
class DeleteFilterPresetPayload:
    filter_preset_uuid: UUID | None = column("The UUID of the deleted preset.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("FilterPreset", "filter_preset_uuid"), "The global ID of the deleted preset."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
