"""Collections of items and filter presets: how they are resolved."""

from collections.abc import Callable, Sequence
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    has_staying_item,
    is_given_folder,
    sees_collection,
    sees_item,
    sees_preset,
)
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.bound_values import AS_IS
from gateway.execution.declarations import (
    Access,
    Aggregate,
    Argument,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.models.collections import collection_items, collections, filter_presets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from resolvers.global_ids import id_from
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.item_conditions import item_conditions
from resolvers.metadata_keys import prepare_across_folders
from resolvers.orders import ITEM_ORDERS, by_name, in_sequence

MAX_UUIDS = 1000
_ARGUMENTS = (
    Argument(
        "top_level_folder_uuid",
        UUID | None,
        None,
        "Only those that belong to this folder.",
        AS_IS,
    ),
    Argument("uuids", list[UUID] | None, None, "Only those with these UUIDs, at most 1,000."),
)


def _list_conditions(
    table: sa.Table, sees: Access
) -> Callable[[EdgeQuery], Sequence[sa.ColumnElement[bool]]]:
    """Return the conditions of a list's arguments, all of which must be met."""

    def conditions(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
        folder, uuids = query.arguments["top_level_folder_uuid"], query.arguments["uuids"]
        conditions = [sees(query.viewer)]
        if folder is not None:
            conditions.append(table.c.top_level_folder_uuid == folder)
        if uuids is not None:
            if len(uuids) > MAX_UUIDS:
                raise bad_input(sized("uuids", 0, MAX_UUIDS, len(uuids), "entries"), "uuids")
            conditions.append(table.c.uuid.in_(uuids))
        return conditions

    return conditions


def sees_entry(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return the condition that an entry of a visible collection exists for the viewer.

    Those of hidden items do for whoever was given the collection's folder: not for strangers, who
    see it because it is public, and not with a credential that is limited to a tree.
    """
    is_staying = has_staying_item(collection_items.c.item_uuid)
    if viewer.administers_site:
        return is_staying
    item = items.alias()
    is_seen = sa.exists().where(
        item.c.uuid == collection_items.c.item_uuid, sees_item(viewer, item)
    )
    if viewer.is_anonymous or viewer.tree_uuid:
        return sa.and_(is_staying, is_seen)
    only_public = (
        sa.select(collections.c.uuid)
        .join(folders, folders.c.uuid == collections.c.top_level_folder_uuid)
        .where(folders.c.is_public, ~is_given_folder(viewer))
    )
    is_given = collection_items.c.collection_uuid.not_in(only_public)
    return sa.and_(is_staying, sa.or_(is_given, is_seen))


id_of = id_from("Collection", collections.c.uuid)
entry_id_of = id_from(
    "CollectionItem", collection_items.c.collection_uuid, collection_items.c.item_uuid
)
preset_id_of = id_from("FilterPreset", filter_presets.c.uuid)
collection_by_uuid = ToOne(collections, "collection_uuid", access=sees_collection)
collection_of_job = ToOne(collections, jobs.c.collection_uuid, access=sees_collection)
preset_by_uuid = ToOne(filter_presets, "filter_preset_uuid", access=sees_preset)
collection_lookup = Lookup(collection_by_uuid, "uuid", "UUID of the collection.")
preset_lookup = Lookup(preset_by_uuid, "uuid", "UUID of the preset.")
folder_of = ToOne(folders, collections.c.top_level_folder_uuid)
item_count = Aggregate(
    collections.c.uuid,
    collection_items.c.collection_uuid,
    sa.func.count(),
    collection_items,
    where=sees_entry,
)
item_of_entry = ToOne(items, collection_items.c.item_uuid, access=sees_item)
filter_of = Computed((filter_presets.c.filter,), lambda row: row.filter)
visible_collections = ToMany(
    "collections",
    collections,
    by_name(collections.c.name_key, collections.c.uuid),
    where=_list_conditions(collections, sees_collection),
    arguments=_ARGUMENTS,
)
visible_presets = ToMany(
    "filterPresets",
    filter_presets,
    by_name(filter_presets.c.name_key, filter_presets.c.uuid),
    where=_list_conditions(filter_presets, sees_preset),
    arguments=_ARGUMENTS,
)
items_in = ToMany(
    "collectionItems",
    items,
    ITEM_ORDERS,
    key=collections.c.uuid,
    parent=collection_items.c.collection_uuid,
    source=items.join(collection_items, collection_items.c.item_uuid == items.c.uuid),
    where=lambda query: [*item_conditions(query), sees_item(query.viewer)],
    filter_type=StorageItemFilter,
    prepare=prepare_across_folders,
)
entries_in = ToMany(
    "collectionEntries",
    collection_items,
    in_sequence(collection_items.c.created_at, collection_items.c.item_uuid),
    key=collections.c.uuid,
    parent=collection_items.c.collection_uuid,
    where=lambda query: [sees_entry(query.viewer)],
)
