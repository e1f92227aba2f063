"""Payload of the mutation that points items to objects that have moved."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.scalars import URL
from resolvers.global_ids import id_from
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.items import StorageItem


@row_type()
@strawberry.type(description="Result for one entry of `migrateStorageItems`.")
class MigrateStorageItemResult:
    uuid: UUID | None = column("The item's UUID, if the entry had one.")
    item_id: strawberry.ID | None = resolved(
        id_from("StorageItem", "uuid"), "The item's global ID, if the entry had its UUID."
    )
    url: URL | None = column("The URL, if the entry had one.")
    items: list[StorageItem] = column(
        "The changed items; at most 1,000. Empty if the entry failed or was skipped."
    )
    is_skipped: bool = column(
        "Whether the entry was skipped because no item matches it, or none in "
        "`fromIntegrationUuid`."
    )
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `migrateStorageItems`.")
class MigrateStorageItemsPayload:
    results: list[MigrateStorageItemResult] | None = column(
        "One entry per input entry, in input order."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
