"""Payload of the mutation of roles on a folder."""

from __future__ import annotations

import strawberry

from resolvers.folders import folder_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder


@row_type()
@strawberry.type(description="Result of `setStorageFolderAccess`.")
class SetStorageFolderAccessPayload:
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The folder. Null if the viewer does not see it any more."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
