"""Inputs of mutations of items with several files, and of their revisions."""

from uuid import UUID

import strawberry

from gateway.scalars import JSON
from resolvers.inputs.descriptions import (
    CLIENT_METADATA,
    IDEMPOTENCY_KEY,
    description_of,
    name_of,
)


@strawberry.input(description="A new item without files.")
class CreateStorageItemInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder that receives the item.")
    name: str = strawberry.field(description=name_of("item"))
    description: str | None = strawberry.field(default=None, description=description_of("item"))
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
