"""What a client sends when objects have been moved from one store to another."""

from uuid import UUID

import strawberry

from resolvers.inputs.scalars import URL


@strawberry.input(
    description="An item whose object lies elsewhere now, or the items that have a URL (SUB-138)."
)
class MigrateStorageItemInput:
    item_uuid: UUID | None = strawberry.field(
        default=None, description="The item; this or url (ENC-QBODY-04)."
    )
    url: URL | None = strawberry.field(
        default=None,
        description="The present URL of items, all of which are meant that the viewer sees; this or itemUuid "
        "(ENC-QBODY-03).",
    )
    new_url: URL | None = strawberry.field(
        default=None,
        description="Where the object lies now; null if its URL stays, and only the integration changes.",
    )


@strawberry.input(
    description="Items whose objects are reached otherwise from now on (ENC-CLIENT-09)."
)
class MigrateStorageItemsInput:
    items: list[MigrateStorageItemInput] = strawberry.field(
        description="1 to 1,000 entries, of at most 1,000 items, none of them twice."
    )
    from_integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="If given, items that are not reached by this integration are left as they are (ENC-QBODY-05).",
    )
    to_integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="The integration by which they are reached; null if each keeps its own. On either USER is needed "
        "(ENC-QBODY-06).",
    )
    verify_access: bool = strawberry.field(
        default=True,
        description="Whether to look first for each object, which must have the length that its item has "
        "(ENC-QBODY-07).",
    )
    skip_missing: bool = strawberry.field(
        default=False,
        description="Whether to leave out entries for which there is no item, instead of refusing all (ENC-QBODY-08).",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours gives the same answer instead of doing it again.",
    )
