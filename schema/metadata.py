"""The metadata schema: types of the keys in items' client metadata."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.catalog.rules.metadata_entries import MetadataValueType
from gateway.kinds.enums import MetadataFieldType, MetadataIndexStatus
from gateway.scalars import BigInt
from resolvers import metadata
from schema.common import Node
from schema.enums import described
from schema.fields import column, resolved, row_type

_ELEMENT = "First part of the key, up to the first dot."
_QUALIFIER = "The rest of the key; null if it has no dot."
described(
    MetadataValueType,
    TEXT="A text, also one that is declared as `VARCHAR`, or that is like a date without being declared.",
    LONG="A whole number of at most 64 bits.",
    DOUBLE="A number; also the type of all numbers under a key that the metadata schema declares.",
    BOOLEAN="`true` or `false`.",
    DATETIME="A date and time with an offset, under a key that the metadata schema declares so.",
    UUID="A UUID, under a key that the metadata schema declares so.",
    USER="An email address, under a key that the metadata schema declares so.",
    ENUM="One of the values that the metadata schema declares for the key.",
)


@row_type()
@strawberry.type(
    description="A value at the top level of an item's `clientMetadata`: a text, a number or a "
    "boolean. Objects, lists and nulls are no entries."
)
class MetadataEntry:
    key: str = column("The key, as used in `clientMetadata`.")
    element: str = column(_ELEMENT)
    qualifier: str | None = column(_QUALIFIER)
    type: MetadataValueType = column(
        "The type of the value: that of the key in the metadata schema, if the value has that "
        "type, and otherwise its own."
    )
    value: str = column("The value as text: `42`, `2.5`, `true`.")


@row_type()
@strawberry.type(
    description="A key of metadata entries in use. It is listed with each type that its values have."
)
class MetadataTerm:
    key: str = column("The key, as used in `clientMetadata`.")
    element: str = column(_ELEMENT)
    qualifier: str | None = column(_QUALIFIER)
    type: MetadataValueType = column(
        "The type of its values: that of the key in the metadata schema, if it is a type of such "
        "values, and otherwise their own."
    )


@row_type()
@strawberry.type(description="A metadata key with its type.")
class MetadataSchemaField(Node):
    id: strawberry.ID = resolved(metadata.field_id_of, "Opaque global ID, for use with `node`.")
    key: str = column("The key, as used in `clientMetadata`.")
    type: MetadataFieldType = resolved(
        metadata.type_of, "The type of the key's values. For a deleted key, the type that it had."
    )
    enum_values: list[str] | None = resolved(
        metadata.values_of,
        "The allowed values of an `ENUM` key, sorted; at most 255. Null for other types.",
    )
    embedding_size: int | None = column("The length of an `EMBEDDING`. Null for other types.")
    is_deleted: bool = column("Whether the key has been deleted from the schema.")
    can_be_restored: bool = resolved(
        metadata.can_be_restored,
        "Whether the key is deleted but can be brought back with `restoreMetadataSchemaField`.",
    )
    index_status: MetadataIndexStatus = resolved(
        metadata.status_of_index, "Whether items can be found by the key."
    )
    created_at: datetime = column("When the key was first added, in UTC.")
    last_edited_at: datetime = column("When the key was last changed, in UTC.")


@row_type()
@strawberry.type(
    description="The types of keys in items' `clientMetadata`, for the whole organisation. "
    "Values that do not match are rejected only if the setting `STOREGRAPH_METADATA_SCHEMA` is "
    "`enforced`; this includes sidecars. Metadata of folders is not restricted."
)
class MetadataSchema:
    id: strawberry.ID = resolved(metadata.id_of, "Opaque global ID, for caches.")
    revision: BigInt = column(
        "A number that grows with each change. Pass it to a mutation to detect concurrent changes."
    )
    fields: list[MetadataSchemaField] = resolved(
        metadata.fields_of, "The keys of the schema, sorted by key; at most 1,000."
    )
