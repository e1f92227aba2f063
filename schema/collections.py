"""Collections of items, and filters that are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import collections
from resolvers.inputs.scalars import JSON
from schema.common import Connection, Node
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.items import StorageItem, StorageItemConnection


@of()
@strawberry.type(description="That a collection holds an item, seen or not (ENC-COLL-08).")
class CollectionItem:
    item_uuid: UUID = column("The item's uuid.")
    storage_item: StorageItem | None = resolved(
        collections.item_of_entry,
        "The item, if the viewer may see it; null stands for one that he may not.",
    )
    created_at: datetime = column("When it was put in.")


@of()
@strawberry.type(description="Items put together by hand, from any folder (ENC-COLL).")
class Collection(Node):
    id: strawberry.ID = resolved(collections.id_of, "The opaque id.")
    uuid: UUID = column("The collection's uuid.")
    top_level_folder: StorageFolder = resolved(
        collections.folder_of, "The folder whose roles hold for it."
    )
    top_level_folder_uuid: UUID = column("The uuid of that folder.")
    name: str = column("The collection's name.")
    description: str = column("What it is for.")
    created_at: datetime = column("When it was made.")
    last_edited_at: datetime = column("When it, or what it holds, last changed.")
    items_count: int = resolved(collections.item_count, "How many items it holds, seen or not.")
    items: StorageItemConnection = resolved(
        collections.items_in, "Those of its items that the viewer may see (ENC-COLL-07)."
    )
    all_items: Connection[CollectionItem] = resolved(
        collections.entries_in, "All that it holds, in the order in which it came (ENC-COLL-08)."
    )


@of()
@strawberry.type(description="A filter of items under a name (ENC-CLIENT-20).")
class FilterPreset(Node):
    id: strawberry.ID = resolved(collections.preset_id_of, "The opaque id.")
    uuid: UUID = column("The preset's uuid.")
    top_level_folder: StorageFolder = resolved(
        collections.folder_of, "The folder whose roles hold for it."
    )
    top_level_folder_uuid: UUID = column("The uuid of that folder.")
    name: str = column("The preset's name.")
    description: str = column("What it finds.")
    filter: JSON = resolved(
        collections.filter_of, "The filter, just as a variable of type StorageItemFilter has it."
    )
    created_at: datetime = column("When it was made.")
