"""What a client sends to change collections, and to keep filters."""

from uuid import UUID

import strawberry

from resolvers.inputs.lists import StorageItemFilter

_KEY = "The same key within 24 hours gives the same answer instead of doing it again."
_NAME = "1 to 1,000 characters; others may have the same name."
_DESCRIPTION = "At most 10,000 characters; null empties it."
_FOLDER = "The folder that it belongs to, whose roles hold for it."


@strawberry.input(description="A collection to be made (ENC-CLIENT-19).")
class CreateCollectionInput:
    top_level_folder_uuid: UUID = strawberry.field(description=_FOLDER)
    name: str = strawberry.field(description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes of a collection: what is absent stays as it is.")
class UpdateCollectionInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_NAME} Null is refused."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description=_DESCRIPTION)


@strawberry.input(description="A collection to be removed; its items stay.")
class DeleteCollectionInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")


@strawberry.input(description="Items for a collection (ENC-COLL-09).")
class AddCollectionItemsInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 items, from any folder.")


@strawberry.input(description="Items that leave a collection (ENC-COLL-09).")
class RemoveCollectionItemsInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 items.")


@strawberry.input(description="Items for a collection, by their names (ENC-COLL-10).")
class AddCollectionItemsByTitleInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    titles: list[str] = strawberry.field(
        description="1 to 1,000 names, letter by letter, of items in the collection's folder and below."
    )


@strawberry.input(description="Items for a collection, by a filter that is kept (ENC-COLL-11).")
class AddCollectionPresetItemsInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    filter_preset_uuid: UUID = strawberry.field(
        description="The preset; all that it finds in the collection's folder and below is added."
    )


@strawberry.input(
    description="Items that leave a collection, by a filter that is kept (ENC-COLL-11)."
)
class RemoveCollectionPresetItemsInput:
    collection_uuid: UUID = strawberry.field(description="The collection.")
    filter_preset_uuid: UUID = strawberry.field(
        description="The preset; all that it finds in the collection's folder and below is taken out."
    )


@strawberry.input(description="A filter to be kept (ENC-CLIENT-20).")
class CreateFilterPresetInput:
    top_level_folder_uuid: UUID = strawberry.field(description=_FOLDER)
    name: str = strawberry.field(description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    filter: StorageItemFilter = strawberry.field(
        description="The filter; one that asks for no text, no types and no datasets is refused."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(
    description="A filter to be forgotten; collections that were filled by it stay as they are."
)
class DeleteFilterPresetInput:
    filter_preset_uuid: UUID = strawberry.field(description="The preset.")
