"""Deletions of folders with everything below them, and of other large objects."""

from __future__ import annotations

import strawberry

from resolvers import kept_items
from schema.common import Connection
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.items import StorageItem
from schema.jobs import Job


@row_type()
@strawberry.type(description="An item that outlived the deletion of its folder, and its new home.")
class KeptItem:
    id: strawberry.ID = resolved(kept_items.id_of, "Opaque global ID, for caches.")
    item: StorageItem | None = resolved(
        kept_items.item_of, "The item. Null if the viewer cannot see it."
    )
    folder: StorageFolder | None = resolved(
        kept_items.folder_of,
        "The folder that became its home, where it was shared into the earliest. Null if the viewer "
        "cannot see it.",
    )


@row_type()
@strawberry.type(
    description="The removal of a deleted folder with everything below it, of a large dataset or "
    "collection, or of a tag of many folders. All of it is gone for everyone since then; the job "
    "removes the rows and the bytes, and cannot be cancelled. Its units are folders and items, data "
    "rows, the collection, or the folders that had the tag. Its `folder` is the one that the deleted "
    "folder, items or collection were in. It is visible to everyone who can see that folder, and to the user "
    "who asked for the deletion."
)
class DeletionJob(Job):
    title: str = column("The name or title of what was deleted.")
    kept_items: Connection[KeptItem] = resolved(
        kept_items.items_kept_by,
        "The items that were in the deleted folders and have been kept, because they were shared "
        "into others. The list grows until the job ends.",
    )
