"""Inputs of mutations of the metadata schema."""

import strawberry

from gateway.kinds.enums import MetadataFieldType
from gateway.scalars import BigInt

_KEY = (
    "1 to 255 letters, digits, hyphens, underscores, spaces and dots, at least one of them a "
    "letter or digit. `keyframes` is reserved."
)
_REVISION = (
    "The last `MetadataSchema.revision` that the client knows. If the schema has changed "
    "since, the mutation is rejected."
)


@strawberry.input(description="A metadata key, and the type to give it.")
class SetMetadataSchemaFieldInput:
    key: str = strawberry.field(description=_KEY)
    type: MetadataFieldType = strawberry.field(
        description="The type of the key's values. `ENUM`, `EMBEDDING` and `GEOSPATIAL` cannot "
        "be changed later; the other types can replace each other."
    )
    enum_values: list[str] | None = strawberry.field(
        default=None,
        description="Only for `ENUM`, and required there: 1 to 255 values. They must include all "
        "current values.",
    )
    embedding_size: int | None = strawberry.field(
        default=None,
        description="Only for `EMBEDDING`, and required there: its length, 1 to 4,096.",
    )
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)


@strawberry.input(description="The metadata key to delete.")
class DeleteMetadataSchemaFieldInput:
    key: str = strawberry.field(description="The key.")
    hard: bool = strawberry.field(
        default=False,
        description="Whether to delete permanently. Such a key can neither be restored nor used "
        "again.",
    )
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)


@strawberry.input(description="A deleted metadata key to restore, with its type.")
class RestoreMetadataSchemaFieldInput:
    key: str = strawberry.field(description="The key. It must not have been deleted permanently.")
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)
