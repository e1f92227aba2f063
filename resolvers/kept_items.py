"""Items that outlived the deletion of their folders: how they are resolved."""

from gateway.auth.visibility import has_staying_item, is_staying, sees_folder, sees_item
from gateway.execution.declarations import ToMany, ToOne
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.shares import kept_items
from resolvers.global_ids import id_from
from resolvers.orders import in_sequence

id_of = id_from("KeptItem", kept_items.c.job_uuid, kept_items.c.item_uuid)
item_of = ToOne(items, kept_items.c.item_uuid, access=sees_item)
folder_of = ToOne(folders, kept_items.c.folder_uuid, access=sees_folder)
items_kept_by = ToMany(
    "keptItems",
    kept_items,
    in_sequence(kept_items.c.item_uuid, kept_items.c.item_uuid),
    key=jobs.c.uuid,
    parent=kept_items.c.job_uuid,
    where=lambda _query: [
        has_staying_item(kept_items.c.item_uuid),
        is_staying(kept_items.c.folder_uuid),
    ],
)
