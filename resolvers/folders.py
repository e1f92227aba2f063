"""How folders answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.roles import EffectiveRole, roles_on_folders
from gateway.auth.visibility import sees_dataset, sees_folder
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.tree import ancestors, within
from gateway.execution.declarations import Batch, Computed, Lookup, SameRow, ToMany, ToOne
from gateway.execution.loader_resolvers import find_rows
from gateway.ids import global_id
from gateway.kinds.enums import SidecarMatcherMode, StorageFolderType, StorageUserRole
from gateway.models.datasets import datasets
from gateway.models.folders import folder_counters, folder_grants, folders
from gateway.models.items import items
from gateway.models.people import groups, users
from gateway.models.syncs import cloud_sync_jobs
from gateway.models.uploads import upload_jobs
from resolvers.filters import (
    SCOPE,
    folder_conditions,
    folder_search_conditions,
    item_conditions,
    required_search_conditions,
    root_folder_conditions,
)
from resolvers.inputs.lists import StorageFolderFilter, StorageItemFilter
from resolvers.json_columns import json_column
from resolvers.orders import FOLDER_ORDERS, ITEM_ORDERS, by_name, newest_first


@dataclass(frozen=True, slots=True)
class SidecarMatcher:
    """Which files are metadata of others: those whose names end so."""

    suffix: str
    mode: SidecarMatcherMode = SidecarMatcherMode.SUFFIX


@dataclass(frozen=True, slots=True)
class SidecarIngestion:
    """How metadata that lies beside files is dealt with."""

    matcher: SidecarMatcher
    paused: bool

    @classmethod
    def of(cls, values: dict[str, Any]) -> "SidecarIngestion":
        """What a folder's row says of it."""
        return cls(SidecarMatcher(values["suffix"]), values["paused"])


_home, _top = folders.alias("home"), folders.alias("top")
_counted = [column for column in folder_counters.c if column.key != "folder_uuid"]

id_of = Computed((folders.c.uuid,), lambda row: global_id("StorageFolder", row.uuid))
is_cloud_synced = Computed(
    (folders.c.folder_type,), lambda row: row.folder_type == StorageFolderType.CLOUD_LINKED
)
same_folder = SameRow()
ingestion_of = json_column(folders.c.uuid, folders.c.metadata_ingestion, SidecarIngestion.of)
folder_by_uuid = ToOne(folders, "folder_uuid", access=sees_folder)
new_parent_of = ToOne(folders, "new_parent_uuid", access=sees_folder)
folder_lookup = Lookup(folder_by_uuid, "uuid", "The folder's uuid.")
parent_of = ToOne(folders, folders.c.parent_uuid, access=sees_folder)
owner_of = ToOne(users, folders.c.owner_uuid)
mirror_of = ToOne(datasets, folders.c.uuid, datasets.c.backing_folder_uuid, sees_dataset)
root_folders = ToMany(
    "storageFolders",
    folders,
    FOLDER_ORDERS,
    where=root_folder_conditions,
    filter_type=StorageFolderFilter,
    arguments=(SCOPE,),
)
folder_search = ToMany(
    "searchStorageFolders",
    folders,
    FOLDER_ORDERS,
    where=folder_search_conditions,
    filter_type=StorageFolderFilter,
    arguments=(SCOPE,),
)
subfolders_in = ToMany(
    "subfolders",
    folders,
    FOLDER_ORDERS,
    key=folders.c.uuid,
    parent=folders.c.parent_uuid,
    where=folder_conditions,
    filter_type=StorageFolderFilter,
)
folders_below = ToMany(
    "descendantFolders",
    folders,
    FOLDER_ORDERS,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    source=folders.join(
        _top, sa.and_(within(folders.c.path, _top.c.path), folders.c.uuid != _top.c.uuid)
    ),
    where=folder_conditions,
    filter_type=StorageFolderFilter,
)
items_in = ToMany(
    "items",
    items,
    ITEM_ORDERS,
    key=folders.c.uuid,
    parent=items.c.folder_uuid,
    where=item_conditions,
    filter_type=StorageItemFilter,
)
items_below = ToMany(
    "descendantItems",
    items,
    ITEM_ORDERS,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    source=items.join(_home, _home.c.uuid == items.c.folder_uuid).join(
        _top, within(_home.c.path, _top.c.path)
    ),
    where=required_search_conditions,
    filter_type=StorageItemFilter,
    filter_required=True,
)
groups_on = ToMany(
    "folderGroups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    key=folders.c.uuid,
    parent=folder_grants.c.folder_uuid,
    source=groups.join(folder_grants, folder_grants.c.group_uuid == groups.c.uuid),
    extras={"role": folder_grants.c.role},
)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)
jobs_in = ToMany(
    "uploadJobs",
    upload_jobs,
    newest_first(upload_jobs.c.created_at, upload_jobs.c.uuid),
    key=folders.c.uuid,
    parent=upload_jobs.c.folder_uuid,
)

syncs_of = ToMany(
    "cloudSyncs",
    cloud_sync_jobs,
    newest_first(cloud_sync_jobs.c.created_at, cloud_sync_jobs.c.uuid),
    key=folders.c.uuid,
    parent=cloud_sync_jobs.c.folder_uuid,
)


async def _path_to_root(context: Context, keys: list[str]) -> list[list[Any]]:
    above = {uuid for path in keys for uuid in ancestors(path)}
    statement = sa.select(folders).where(in_keys(folders.c.uuid, above))
    seen = {
        row.uuid: row
        for row in await context.database.rows(statement.where(sees_folder(context.viewer)))
    }
    return [[seen[uuid] for uuid in ancestors(path) if uuid in seen] for path in keys]


async def _visible_parents(context: Context, keys: list[UUID | None]) -> list[UUID | None]:
    return [row and row.uuid for row in await find_rows(context, parent_of, keys)]


async def _mirror_uuids(context: Context, keys: list[UUID]) -> Sequence[UUID | None]:
    statement = sa.select(datasets.c.uuid, datasets.c.backing_folder_uuid).where(
        in_keys(datasets.c.backing_folder_uuid, keys),
        sees_dataset(context.viewer),
    )
    found = {row.backing_folder_uuid: row.uuid for row in await context.database.rows(statement)}
    return [found.get(key) for key in keys]


async def _sums_below(
    context: Context,
    keys: list[UUID],
    *,
    recursive: Annotated[
        bool, strawberry.argument(description="Whether to count all folders below as well.")
    ] = False,
) -> list[Any]:
    sums = [
        sa.func.coalesce(sa.cast(sa.func.sum(column), sa.BigInteger), 0).label(column.key)
        for column in _counted
    ]
    statement = (
        sa.select(_top.c.uuid.label("folder_uuid"), *sums)
        .select_from(_top.join(folders, within(folders.c.path, _top.c.path)))
        .join(folder_counters, folder_counters.c.folder_uuid == folders.c.uuid)
        .where(in_keys(_top.c.uuid, keys))
        .group_by(_top.c.uuid)
    )
    found = {row.folder_uuid: row for row in await context.database.rows(statement)}
    return [found[key] for key in keys]


async def _held(context: Context, keys: list[UUID]) -> list[EffectiveRole]:
    async with context.database.reading() as connection:
        held = await roles_on_folders(connection, context.viewer, keys)
    return [held[key] for key in keys]


async def _roles(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    return [held.role for held in await _held(context, keys)]


async def _role_folders(context: Context, keys: list[UUID]) -> list[Any]:
    return await find_rows(
        context, folder_by_uuid, [held.folder_uuid for held in await _held(context, keys)]
    )


path_to_root = Batch((folders.c.path,), _path_to_root)
visible_parent_uuid = Batch((folders.c.parent_uuid,), _visible_parents)
mirror_uuid_of = Batch((folders.c.uuid,), _mirror_uuids)
summary_of = Batch(
    (folders.c.uuid,),
    _sums_below,
    ToOne(folder_counters, folders.c.uuid, folder_counters.c.folder_uuid),
)
viewer_role_on = Batch((folders.c.uuid,), _roles)
viewer_role_folder_of = Batch((folders.c.uuid,), _role_folders)
