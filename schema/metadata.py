"""The schema of the organisation's metadata."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.kinds.enums import MetadataFieldType
from resolvers import metadata
from resolvers.inputs.scalars import BigInt
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="A metadata key that has a type (ENC-SCHEMA).")
class MetadataSchemaField:
    key: str = column("The key, as it stands in `clientMetadata`.")
    type: MetadataFieldType = resolved(
        metadata.type_of, "What its values are, or were when it was deleted."
    )
    enum_values: list[str] | None = resolved(
        metadata.values_of, "The values of an ENUM in order, at most 255."
    )
    embedding_size: int | None = column("How many numbers an EMBEDDING has.")
    is_deleted: bool = column("Whether the key has no type any more.")
    can_be_restored: bool = resolved(
        metadata.can_be_restored, "Whether it is deleted, but not for good."
    )
    created_at: datetime = column("When it first got a type.")
    last_edited_at: datetime = column("When it last changed.")


@of()
@strawberry.type(
    description="Which keys of items' metadata have which types; that of folders may be anything. Values of other "
    "types are refused only where the site says so: then in files beside objects, too."
)
class MetadataSchema:
    revision: BigInt = column("A number that grows with each change; mutations can insist on it.")
    fields: list[MetadataSchemaField] = resolved(
        metadata.fields_of, "Its keys in order, at most 1,000 (ENC-SCHEMA-11)."
    )
