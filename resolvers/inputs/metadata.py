"""What a client sends to change the schema of metadata."""

import strawberry

from gateway.kinds.enums import MetadataFieldType
from resolvers.inputs.scalars import BigInt

_KEY = (
    "1 to 255 letters, digits, hyphens, underscores, spaces and dots, not punctuation alone; `keyframes` is reserved "
    "(ENC-SCHEMA-06)."
)
_REVISION = "The revision that the client has seen: if the schema was changed since, nothing is done (SUB-034)."


@strawberry.input(description="A metadata key that gets a type, or another one (ENC-SCHEMA-07).")
class SetMetadataSchemaFieldInput:
    key: str = strawberry.field(description=_KEY)
    type: MetadataFieldType = strawberry.field(
        description="What its values are. ENUM, EMBEDDING and GEOSPATIAL stay; the others may take each other's place."
    )
    enum_values: list[str] | None = strawberry.field(
        default=None,
        description="With ENUM 1 to 255 values; all that are there must be among them (ENC-SCHEMA-02, SUB-035).",
    )
    embedding_size: int | None = strawberry.field(
        default=None, description="With EMBEDDING 1 to 4,096 numbers (ENC-SCHEMA-03)."
    )
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)


@strawberry.input(description="A metadata key to be deleted (ENC-SCHEMA-08).")
class DeleteMetadataSchemaFieldInput:
    key: str = strawberry.field(description="The key.")
    hard: bool = strawberry.field(
        default=False,
        description="Whether for good: then it can never be restored nor used again (SUB-036).",
    )
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)


@strawberry.input(
    description="A deleted metadata key to be brought back, with its type (ENC-SCHEMA-09)."
)
class RestoreMetadataSchemaFieldInput:
    key: str = strawberry.field(description="The key, which was not deleted for good.")
    revision: BigInt | None = strawberry.field(default=None, description=_REVISION)
