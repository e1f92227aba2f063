"""The record of changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import changes
from resolvers.inputs.scalars import JSON
from schema.common import Connection
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.items import StorageItem
from schema.people import User


@of()
@strawberry.type(description="One change of one object: who did what, and when (ENC-CLIENT-25).")
class StorageChange:
    uuid: UUID = column("The change's uuid; a later change has a greater one.")
    action: str = column(
        "What was done: CREATE, UPDATE, MOVE, DELETE, INGEST, CANCEL and the like; others may come."
    )
    object_type: str = column(
        "What it was done to: StorageFolder, StorageItem, UploadJob, FolderGrant and the like."
    )
    object_uuid: UUID = column("The uuid of that object.")
    storage_item: StorageItem | None = resolved(
        changes.changed_item,
        "The object as it is now, if it is an item that is there and the viewer may see.",
    )
    storage_folder: StorageFolder | None = resolved(
        changes.changed_folder,
        "The object as it is now, if it is a folder that is there and the viewer may see.",
    )
    folder: StorageFolder | None = resolved(
        changes.folder_of,
        "The folder in which the object lay then, if it is there and the viewer may see it.",
    )
    from_folder: StorageFolder | None = resolved(
        changes.from_folder_of,
        "The folder that it was moved from, if it is there and the viewer may see it.",
    )
    user: User | None = resolved(changes.user_of, "Who did it; null if no person did.")
    before: JSON | None = resolved(
        changes.before_of, "What was different before, by field, in short."
    )
    after: JSON | None = resolved(changes.after_of, "What is different since, by field, in short.")
    created_at: datetime = column("When it was done.")


@of()
@strawberry.type(description="A page of changes.")
class StorageChangeConnection(Connection[StorageChange]):
    """Named, so that folders can refer to it lazily."""


@of()
@strawberry.type(description="What happened in a folder since the event before.")
class StorageChanges:
    folder: StorageFolder | None = resolved(
        changes.folder_of, "The folder that is watched, as it is now."
    )
    changes: list[StorageChange] = column(
        "The changes in their order, at most 100; none in the first event."
    )
    latest: UUID = column("Where to go on after a lost connection: give it as `after`.")
