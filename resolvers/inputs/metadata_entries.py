"""Inputs of mutations of metadata entries."""

from uuid import UUID

import strawberry

from gateway.catalog.rules.metadata_entries import MetadataValueType

_ELEMENT = "First part of the key, without a dot."
_QUALIFIER = (
    "Second part of the key, which follows the element after a dot. No such part if null or empty. "
    "Keys have at most 255 characters."
)


@strawberry.input(description="A metadata entry to add or replace.")
class MetadataEntryInput:
    element: str = strawberry.field(description=_ELEMENT)
    qualifier: str | None = strawberry.field(default=None, description=_QUALIFIER)
    value: str = strawberry.field(
        description="The value as text, which must be one of the type: `42`, `2.5`, `true`."
    )
    type: MetadataValueType | None = strawberry.field(
        default=None,
        description="The type of the value; that of the key in the metadata schema if null, or "
        "`TEXT` if the key is not declared. `DATETIME`, `UUID`, `USER` and `ENUM` are for keys that are "
        "declared so.",
    )


@strawberry.input(description="The key of a metadata entry.")
class MetadataKeyInput:
    element: str = strawberry.field(description=_ELEMENT)
    qualifier: str | None = strawberry.field(default=None, description=_QUALIFIER)


@strawberry.input(description="Metadata entries to add to an item.")
class SetStorageItemMetadataInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    entries: list[MetadataEntryInput] = strawberry.field(
        description="1 to 1,000 entries, each key once."
    )


@strawberry.input(description="Metadata entries to remove from an item.")
class DeleteStorageItemMetadataInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    entries: list[MetadataKeyInput] = strawberry.field(
        description="1 to 1,000 keys of entries. Those that the item does not have are ignored."
    )


@strawberry.input(description="An item that all metadata entries are removed from.")
class ClearStorageItemMetadataInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
