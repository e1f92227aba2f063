"""Payloads of mutations of data groups."""

from __future__ import annotations

import strawberry

from gateway.kinds.enums import NameOutcome
from resolvers.items import item_by_uuid
from schema.common import BULK_USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.items import StorageItem


@row_type()
@strawberry.type(description="Result for one entry of `createDataGroups`.")
class CreateDataGroupResult:
    item: StorageItem | None = resolved(
        item_by_uuid, "The new data group; null if it was not created."
    )
    name_outcome: NameOutcome | None = column("The result for the name of the group.")
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `createDataGroups`.")
class CreateDataGroupsPayload:
    results: list[CreateDataGroupResult] | None = column("One entry per group, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)
