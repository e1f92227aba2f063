"""Journal entries of folders, and events of live changes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageChangeAction, StorageObjectType
from gateway.scalars import JSON, BigInt
from resolvers import changes
from schema.common import Connection
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.items import StorageItem
from schema.people import User


@row_type()
@strawberry.type(description="A journal entry: one change to one object, with its author and time.")
class StorageChange:
    id: strawberry.ID = resolved(changes.id_of, "Opaque global ID, for caches.")
    uuid: UUID = column("The entry's UUID. Later entries have greater UUIDs.")
    action: StorageChangeAction = resolved(changes.action_of, "The kind of change.")
    object_type: StorageObjectType = resolved(
        changes.object_type_of, "The type of the changed object."
    )
    object_uuid: UUID = column("The UUID of the changed object.")
    object_id: strawberry.ID = resolved(
        changes.object_id_of,
        "The global ID of the changed object, which is the one to evict from a cache if the object "
        "was deleted.",
    )
    storage_item: StorageItem | None = resolved(
        changes.changed_item,
        "The changed object in its current state. Null unless it is an item that still exists "
        "and that the viewer can see.",
    )
    storage_folder: StorageFolder | None = resolved(
        changes.changed_folder,
        "The changed object in its current state. Null unless it is a folder that still exists "
        "and that the viewer can see.",
    )
    folder: StorageFolder | None = resolved(
        changes.folder_of,
        "The folder that contained the object when it changed. Null if it has been deleted or "
        "the viewer cannot see it.",
    )
    from_folder: StorageFolder | None = resolved(
        changes.from_folder_of,
        "The folder that the object was moved out of. Null for other changes, and if the viewer "
        "cannot see that folder.",
    )
    user: User | None = resolved(
        changes.user_of,
        "The user who made the change. Null for changes made by the system, and if the user has "
        "been deleted.",
    )
    before: JSON | None = resolved(
        changes.before_of,
        "Values of the changed fields before the change, by field name. References to objects "
        "other than groups are left out. Objects and lists are JSON text; text is cut to 1,000 "
        "characters. Null if nothing was recorded.",
    )
    after: JSON | None = resolved(
        changes.after_of,
        "Values of the changed fields after the change, by field name, in the form of `before`. "
        "Null if nothing was recorded.",
    )
    created_at: datetime = column("When the change was made, in UTC.")


@row_type()
@strawberry.type(description="A page of journal entries.")
class StorageChangeConnection(Connection[StorageChange]):
    """Page of journal entries, a class of its own so that folders can refer to it lazily."""


@row_type()
@strawberry.type(description="Changes in a folder since the previous event.")
class StorageChanges:
    folder_id: strawberry.ID = resolved(changes.watched_id_of, "The watched folder's global ID.")
    folder: StorageFolder | None = resolved(
        changes.folder_of,
        "The watched folder in its current state. Null if it was deleted, or the viewer lost "
        "access to it.",
    )
    changes: list[StorageChange] = column(
        "The changes, oldest first; at most 100. The first event has none, unless `after` was "
        "given and changes were missed."
    )
    latest: BigInt = column(
        "Position in the journal of the site. Pass it as `after` to resume after a lost connection."
    )
