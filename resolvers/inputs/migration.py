"""Inputs of the mutation that points items to objects that have moved."""

from uuid import UUID

import strawberry

from gateway.scalars import URL
from resolvers.inputs.descriptions import IDEMPOTENCY_KEY


@strawberry.input(one_of=True, description="One item by its UUID, or all items with a URL.")
class MigratedItemsInput:
    item_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description="UUID of the item."
    )
    url: URL | None = strawberry.field(
        default=strawberry.UNSET,
        description="The current URL of the items. All items with this URL that the viewer can "
        "see are changed.",
    )


@strawberry.input(description="Items to update, and their new URL.")
class MigrateStorageItemInput:
    match: MigratedItemsInput = strawberry.field(description="The items to update.")
    new_url: URL | None = strawberry.field(
        default=None,
        description="The new URL of the object. Null if only the integration changes.",
    )


@strawberry.input(description="Items whose objects have moved to another store or integration.")
class MigrateStorageItemsInput:
    items: list[MigrateStorageItemInput] = strawberry.field(
        description="1 to 1,000 entries that match at most 1,000 items, without duplicates."
    )
    from_integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="If set, items that do not use this integration are left unchanged.",
    )
    to_integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the integration to use from now on; null to keep each item's own. "
        "Requires `USER` on the integration.",
    )
    verify_access: bool = strawberry.field(
        default=True,
        description="Whether to check first that each object exists and has the item's size.",
    )
    skip_missing: bool = strawberry.field(
        default=False,
        description="Whether to skip entries that match no item instead of rejecting the request.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=IDEMPOTENCY_KEY,
    )
