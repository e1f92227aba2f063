"""What mutations of collections and presets answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.collections import collection_by_uuid, preset_by_uuid
from schema.collections import Collection, FilterPreset
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="The collection that was made.")
class CreateCollectionPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The new collection.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that was changed.")
class UpdateCollectionPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that was removed.")
class DeleteCollectionPayload:
    collection_uuid: UUID | None = column("The collection that is gone.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that got items.")
class AddCollectionItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    failed_item_uuids: list[UUID] | None = column(
        "Items that are not there or not to be seen; at most 1,000."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that lost items.")
class RemoveCollectionItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    failed_item_uuids: list[UUID] | None = column(
        "Items that it did not hold, or that the caller does not see; at most 1,000."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(
    description="What became of each name: requested = matched + ambiguous + unmatched (SUB-089)."
)
class AddCollectionItemsByTitlePayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    requested_count: int | None = column("How many different names were given.")
    matched_count: int | None = column("Names that one item has.")
    added_count: int | None = column("Items of those names that the collection holds now.")
    ambiguous_titles: list[str] | None = column("Names that several items have; at most 1,000.")
    unmatched_titles: list[str] | None = column("Names that no item has; at most 1,000.")
    failed_item_uuids: list[UUID] | None = column("Items that went meanwhile; at most 1,000.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that got what a preset finds.")
class AddCollectionPresetItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    added_items_count: int | None = column("How many items are new in it.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The collection that lost what a preset finds.")
class RemoveCollectionPresetItemsPayload:
    collection: Collection | None = resolved(collection_by_uuid, "The collection as it is now.")
    removed_items_count: int | None = column("How many items left it.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The filter that is kept.")
class CreateFilterPresetPayload:
    filter_preset: FilterPreset | None = resolved(preset_by_uuid, "The new preset.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The filter that was forgotten.")
class DeleteFilterPresetPayload:
    filter_preset_uuid: UUID | None = column("The preset that is gone.")
    user_errors: list[UserError] = column(REFUSED)
