"""Collections of items, and filter presets."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.downloads import DownloadUnavailableReason
from gateway.scalars import JSON
from resolvers import archives, collections
from schema.common import Connection, Node
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.items import StorageItem, StorageItemConnection
from schema.signed_urls import SignedUrl


@row_type()
@strawberry.type(
    description="An entry of a collection, whether or not the viewer can see its item."
)
class CollectionItem:
    id: strawberry.ID = resolved(collections.entry_id_of, "Opaque global ID, for caches.")
    item_uuid: UUID = column("The item's UUID.")
    item: StorageItem | None = resolved(
        collections.item_of_entry,
        "The item. Null if the viewer cannot see it.",
    )
    created_at: datetime = column("When the item was added, in UTC.")


@row_type()
@strawberry.type(
    description=(
        "A hand-picked set of items from any folders. Access to it follows the roles on its "
        "`topLevelFolder`."
    )
)
class Collection(Node):
    id: strawberry.ID = resolved(collections.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The collection's UUID.")
    top_level_folder: StorageFolder = resolved(
        collections.folder_of,
        "The folder that the collection belongs to. Roles on this folder apply to the collection.",
    )
    top_level_folder_uuid: UUID = column("The UUID of `topLevelFolder`.")
    name: str = column("The collection's name. Names need not be unique.")
    description: str = column("Free-text description; empty by default.")
    created_at: datetime = column("When the collection was created, in UTC.")
    download_url: SignedUrl | None = resolved(
        archives.collection_archive_of,
        "A URL that downloads the files of the collection's items "
        "as an archive. It works for anyone who has it, "
        "with the rights that the viewer has then, and no longer than the API key that requested it. "
        "Refused without a credential. If null, see `downloadUrlUnavailableReason`.",
    )
    download_url_unavailable_reason: DownloadUnavailableReason | None = resolved(
        archives.collection_reason_of, "The reason why `downloadUrl` is null; null if it is not."
    )
    last_edited_at: datetime = column(
        "When the collection's attributes or entries last changed, in UTC."
    )
    items_count: int = resolved(
        collections.item_count,
        "Number of entries in `allItems`.",
    )
    items: StorageItemConnection = resolved(
        collections.items_in,
        "The collection's items that the viewer can see. Tombstones and placeholders are "
        "left out unless the filter includes them.",
    )
    all_items: Connection[CollectionItem] = resolved(
        collections.entries_in,
        "All entries of the collection in the order in which they were added, including those "
        "whose item the viewer cannot see; to those who see the collection only because its folder is "
        "public, and with an API key for a folder, these do not exist.",
    )


@row_type()
@strawberry.type(
    description="A saved item filter. Access to it follows the roles on its `topLevelFolder`."
)
class FilterPreset(Node):
    id: strawberry.ID = resolved(collections.preset_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The preset's UUID.")
    top_level_folder: StorageFolder = resolved(
        collections.folder_of,
        "The folder that the preset belongs to. Roles on this folder apply to the preset.",
    )
    top_level_folder_uuid: UUID = column("The UUID of `topLevelFolder`.")
    name: str = column("The preset's name. Names need not be unique.")
    description: str = column("Free-text description; empty by default.")
    filter: JSON = resolved(
        collections.filter_of, "The saved filter, in the shape of `StorageItemFilter`."
    )
    created_at: datetime = column("When the preset was created, in UTC.")
