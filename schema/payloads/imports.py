"""Payload of the import of trees."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.kinds.enums import ImportState, NameOutcome
from resolvers.folders import folder_by_uuid
from resolvers.items import item_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.items import StorageItem
from schema.payloads.uploads import UploadTarget


@row_type()
@strawberry.type(description="Result for an entry of an imported tree.")
class ImportedEntry:
    path: str = column("The path as it was given.")
    state: ImportState = column(
        "The state of the entry, which says whether its bytes are expected."
    )
    name_outcome: NameOutcome = column(
        "The result for the last name of the path; for a file in a directory that becomes an item, "
        "for the name of the item."
    )
    folder_uuid: UUID = column("The UUID of `folder`.")
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The folder that contains the item, or that the directory became."
    )
    item_uuid: UUID | None = column("The UUID of `item`.")
    item: StorageItem | None = resolved(
        item_by_uuid,
        "The item that a file becomes or is part of: a placeholder if it is new. Null for a "
        "directory that became a folder.",
    )
    target: UploadTarget | None = column(
        "Where to send the bytes. Null if nothing is to be sent or a job has taken the file."
    )


@row_type()
@strawberry.type(description="Result of `importTree`.")
class ImportTreePayload:
    import_uuid: UUID | None = column(
        "The UUID of the import, for `startUploadJob`. Null if no file is waiting for a job."
    )
    entries: list[ImportedEntry] | None = column("One entry per entry of the input, in its order.")
    user_errors: list[UserError] = column(USER_ERRORS)
