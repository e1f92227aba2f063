"""Inputs of mutations of collections and filter presets."""

from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import (
    IDEMPOTENCY_KEY,
    description_of,
    name_of,
    new_description_of,
    new_name_of,
)
from resolvers.inputs.item_filters import StorageItemFilter

_FOLDER = "UUID of the folder that it belongs to. Roles on this folder apply to it."


@strawberry.input(description="A new collection.")
class CreateCollectionInput:
    top_level_folder_uuid: UUID = strawberry.field(description=_FOLDER)
    name: str = strawberry.field(description=name_of("collection"))
    description: str | None = strawberry.field(
        default=None, description=description_of("collection")
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a collection. Omitted fields are not changed.")
class UpdateCollectionInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_name_of("collection")
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("collection")
    )


@strawberry.input(description="The collection to delete. Its items are not deleted.")
class DeleteCollectionInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")


@strawberry.input(description="Items to add to a collection.")
class AddCollectionItemsInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, from any folders."
    )


@strawberry.input(description="Items to remove from a collection.")
class RemoveCollectionItemsInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    item_uuids: list[UUID] = strawberry.field(description="UUIDs of 1 to 1,000 items.")


@strawberry.input(description="Items to add to a collection, by name.")
class AddCollectionItemsByTitleInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    titles: list[str] = strawberry.field(
        description="1 to 1,000 exact names of items in the collection's folder or below it."
    )


@strawberry.input(description="Items to add to a collection, selected by a filter preset.")
class AddCollectionPresetItemsInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    filter_preset_uuid: UUID = strawberry.field(
        description="UUID of the preset. All matching items in the collection's folder and below "
        "it are added."
    )


@strawberry.input(description="Items to remove from a collection, selected by a filter preset.")
class RemoveCollectionPresetItemsInput:
    collection_uuid: UUID = strawberry.field(description="UUID of the collection.")
    filter_preset_uuid: UUID = strawberry.field(
        description="UUID of the preset. All matching items in the collection's folder and below "
        "it are removed."
    )


@strawberry.input(description="A new filter preset.")
class CreateFilterPresetInput:
    top_level_folder_uuid: UUID = strawberry.field(description=_FOLDER)
    name: str = strawberry.field(description=name_of("preset"))
    description: str | None = strawberry.field(default=None, description=description_of("preset"))
    filter: StorageItemFilter = strawberry.field(
        description="The filter. It must have a condition on items."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(
    description="The filter preset to delete. Collections that were filled with it are not changed."
)
class DeleteFilterPresetInput:
    filter_preset_uuid: UUID = strawberry.field(description="UUID of the preset.")
