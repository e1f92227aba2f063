"""What mutations of data groups answer."""

from __future__ import annotations

import strawberry

from resolvers.items import item_by_uuid
from schema.common import UserError
from schema.fields import column, of, resolved
from schema.items import StorageItem


@of()
@strawberry.type(description="What became of one data group that was to be made.")
class CreateDataGroupResult:
    item: StorageItem | None = resolved(item_by_uuid, "The data group, if it was made.")
    user_errors: list[UserError] = column("Why it was not made.")


@of()
@strawberry.type(description="What became of each data group that was to be made.")
class CreateDataGroupsPayload:
    results: list[CreateDataGroupResult] | None = column(
        "One entry for each group, in the order of the input."
    )
    user_errors: list[UserError] = column("What was refused; empty if all was done.")
