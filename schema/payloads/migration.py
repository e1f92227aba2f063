"""What telling items that their objects have moved answers."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.inputs.scalars import URL
from schema.common import UserError
from schema.fields import column, of
from schema.items import StorageItem


@of()
@strawberry.type(description="What became of one entry.")
class MigrateStorageItemResult:
    uuid: UUID | None = column("The item's uuid, if it was given.")
    url: URL | None = column("The URL of items, if it was given.")
    items: list[StorageItem] = column(
        "The items as they are now, at most 1,000; none if the entry was not done."
    )
    is_skipped: bool = column(
        "Whether no item was meant: there is none, or not by that integration."
    )
    user_errors: list[UserError] = column("Why it was not done.")


@of()
@strawberry.type(description="What became of each entry.")
class MigrateStorageItemsPayload:
    results: list[MigrateStorageItemResult] | None = column(
        "One entry for each, in the order of the input."
    )
    user_errors: list[UserError] = column("What was refused; empty if all was done.")
