"""Folders: how they are resolved."""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.job_visibility import sees_job_in_folder
from gateway.auth.role_columns import ROLE_TYPE, role_at, role_folder_at
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    NEVER,
    hidden_subfolders,
    sees_below,
    sees_dataset,
    sees_folder,
    sees_item,
    sees_subfolder,
)
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.database.searches import unindexed
from gateway.database.tree import ancestors, within
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import (
    Computed,
    EdgeQuery,
    KeyedRows,
    Lookup,
    SameRow,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.execution.list_parts import Parts, PartsBelow, RowCounter
from gateway.execution.viewer_columns import ViewerColumn, viewer_column
from gateway.kinds.enums import (
    FolderVisibility,
    JobKind,
    PhiPolicy,
    SidecarMatcherMode,
    StorageFolderType,
)
from gateway.kinds.item_kinds import ITEM_KINDS
from gateway.models.datasets import datasets
from gateway.models.folders import (
    FolderCountersRecord,
    folder_counters,
    folder_grants,
    folders,
)
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.people import groups, users
from resolvers.filters import (
    SCOPE,
    folder_conditions,
    folder_search_conditions,
    root_folder_conditions,
)
from resolvers.given_folders import start_from_few_folders
from resolvers.global_ids import id_from
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.inputs.lists import StorageFolderFilter
from resolvers.item_conditions import item_conditions, leaves_many
from resolvers.item_walks import walk_below_folder
from resolvers.json_columns import json_column
from resolvers.metadata_keys import prepare_across_folders, prepare_in_folder
from resolvers.orders import FOLDER_ORDERS, ITEM_ORDERS, by_name, newest_first
from resolvers.rare_texts import start_below_folder, start_in_folder
from resolvers.shared_items import shared_below, shared_into


@dataclass(frozen=True, slots=True)
class SidecarMatcherSettings:
    """Matches the names of sidecar files, by their suffix."""

    suffix: str
    mode: SidecarMatcherMode = SidecarMatcherMode.SUFFIX


@dataclass(frozen=True, slots=True)
class SidecarIngestion:
    """Settings of how syncs of a folder read sidecar files."""

    matcher: SidecarMatcherSettings
    paused: bool

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "SidecarIngestion":
        """Return settings from their stored form."""
        return cls(SidecarMatcherSettings(values["suffix"]), values["paused"])


def counted_items(query: EdgeQuery) -> sa.ColumnElement[int] | None:
    """Return the number of a folder's own items of some kinds; None with another condition."""
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    if replace(filter, item_types=None) != StorageItemFilter():
        return None
    names = {ITEM_KINDS[kind].counter for kind in filter.item_types or ITEM_KINDS}
    first, *others = [folder_counters.c[name] for name in sorted(names)]
    return sum(others, start=sa.type_coerce(first, sa.BigInteger()))


_home, _top = folders.alias("home"), folders.alias("top")
_above, _mirror = folders.alias("above"), datasets.alias("mirror")


def conditions_below(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of items below a folder, which are walked if these are few."""
    conditions = item_conditions(query)
    if query.is_walked:
        conditions = [unindexed(*conditions)]
    return [*conditions, *sees_below(query.viewer, _home, _top)]


id_of = id_from("StorageFolder", folders.c.uuid)
is_cloud_synced = Computed(
    (folders.c.folder_type,), lambda row: row.folder_type == StorageFolderType.CLOUD_LINKED
)
phi_policy_of = Computed(
    (folders.c.is_masked,), lambda row: PhiPolicy.MASKED if row.is_masked else PhiPolicy.OPEN
)
visibility_of = Computed(
    (folders.c.is_public,),
    lambda row: FolderVisibility.PUBLIC if row.is_public else FolderVisibility.PRIVATE,
)
own_visibility_of = Computed((folders.c.visibility,), lambda row: row.visibility)
same_folder = SameRow()
ingestion_of = json_column(folders.c.uuid, folders.c.metadata_ingestion, SidecarIngestion.from_json)
auto_sync_hours_of = Computed((folders.c.auto_sync_hours,), lambda row: row.auto_sync_hours)
include_patterns_of = Computed((folders.c.include_patterns,), lambda row: row.include_patterns)
exclude_patterns_of = Computed((folders.c.exclude_patterns,), lambda row: row.exclude_patterns)
folder_by_uuid = ToOne(folders, "folder_uuid", access=sees_folder)
new_parent_of = ToOne(folders, "new_parent_uuid", access=sees_folder)
folder_lookup = Lookup(folder_by_uuid, "uuid", "UUID of the folder.")
parent_of = ToOne(folders, folders.c.parent_uuid, access=sees_folder)
owner_of = ToOne(users, folders.c.owner_uuid)
offered_to = ToOne(users, folders.c.offered_to_uuid)
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
    start=start_from_few_folders,
)
subfolders_in = ToMany(
    "subfolders",
    folders,
    FOLDER_ORDERS,
    key=folders.c.uuid,
    parent=folders.c.parent_uuid,
    where=lambda query: [*folder_conditions(query), *sees_subfolder(query.viewer)],
    filter_type=StorageFolderFilter,
    counter=RowCounter(
        folder_counters.c.folder_uuid,
        lambda query: (
            visible_subfolders.expression(query.viewer)
            if query.filter in (None, StorageFolderFilter())
            else None
        ),
    ),
)
folders_below = ToMany(
    "descendantFolders",
    folders,
    FOLDER_ORDERS,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    is_subtree=True,
    source=folders.join(
        _top, sa.and_(within(folders.c.path, _top.c.path), folders.c.uuid != _top.c.uuid)
    ),
    where=lambda query: [*folder_conditions(query), *sees_below(query.viewer, folders, _top)],
    filter_type=StorageFolderFilter,
)
items_in = ToMany(
    "items",
    items,
    ITEM_ORDERS,
    starts_at=sees_item,
    key=folders.c.uuid,
    parent=items.c.folder_uuid,
    where=item_conditions,
    filter_type=StorageItemFilter,
    prepare=prepare_in_folder,
    start=start_in_folder,
    further=shared_into,
    counter=RowCounter(folder_counters.c.folder_uuid, counted_items),
)
items_below = ToMany(
    "descendantItems",
    items,
    ITEM_ORDERS,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    is_subtree=True,
    source=items.join(_home, _home.c.uuid == items.c.folder_uuid).join(
        _top, within(_home.c.path, _top.c.path)
    ),
    where=conditions_below,
    filter_type=StorageItemFilter,
    prepare=prepare_across_folders,
    start=start_below_folder,
    walk=walk_below_folder,
    parts=Parts(
        column=items.c.folder_uuid,
        below=PartsBelow(
            _home.join(_top, within(_home.c.path, _top.c.path)),
            _home.c.uuid,
            _top.c.uuid,
            where=lambda query: sees_below(query.viewer, _home, _top),
        ),
        where=item_conditions,
        orders=frozenset(ITEM_ORDERS.columns.values()),
        walked=frozenset(ITEM_ORDERS.columns.values()),
        suit=leaves_many,
        walked_rows=lambda query: 10 if query.filter and query.filter.search else 2,
        counter=RowCounter(folder_counters.c.folder_uuid, counted_items),
    ),
    further=shared_below,
)
groups_on = ToMany(
    "folderGroups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    key=folders.c.uuid,
    parent=folder_grants.c.folder_uuid,
    source=groups.join(folder_grants, folder_grants.c.group_uuid == groups.c.uuid),
    extras={"role": folder_grants.c.role, "sees_phi": folder_grants.c.sees_phi},
    where=lambda query: [NEVER] if query.viewer.tree_uuid else [],
)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)
sees_phi_on_edge = Computed(("node",), lambda edge: edge.node.sees_phi)
jobs_in = ToMany(
    "uploadJobs",
    jobs,
    newest_first(jobs.c.created_at, jobs.c.uuid),
    key=folders.c.uuid,
    parent=jobs.c.folder_uuid,
    where=lambda query: [jobs.c.kind == JobKind.UPLOAD, *sees_job_in_folder(query.viewer)],
    fixed=(jobs.c.kind,),
)

syncs_of = ToMany(
    "cloudSyncs",
    jobs,
    newest_first(jobs.c.created_at, jobs.c.uuid),
    key=folders.c.uuid,
    parent=jobs.c.folder_uuid,
    where=lambda query: [jobs.c.kind == JobKind.CLOUD_SYNC, *sees_job_in_folder(query.viewer)],
    fixed=(jobs.c.kind,),
)


@batch(folders.c.path, rows=KeyedRows(folder_by_uuid, leaves_out=True))
async def path_to_root(_context: Context, keys: list[str]) -> list[list[UUID]]:
    """Return each folder and the folders above it, nearest first."""
    return [ancestors(path) for path in keys]


visible_parent_uuid = viewer_column(
    folders,
    "visible_parent_uuid",
    sa.Uuid(),
    lambda viewer: (
        sa.select(_above.c.uuid)
        .where(_above.c.uuid == folders.c.parent_uuid, sees_folder(viewer, _above))
        .scalar_subquery()
    ),
)
mirror_uuid_of = viewer_column(
    folders,
    "mirror_uuid",
    sa.Uuid(),
    lambda viewer: (
        sa.select(_mirror.c.uuid)
        .where(_mirror.c.backing_folder_uuid == folders.c.uuid, sees_dataset(viewer, _mirror))
        .scalar_subquery()
    ),
)
viewer_role_on = viewer_column(
    folders, "viewer_role", ROLE_TYPE, lambda viewer: role_at(viewer, folders.c.path)
)
viewer_role_folder_uuid = viewer_column(
    folders,
    "viewer_role_folder_uuid",
    sa.Uuid(),
    lambda viewer: role_folder_at(viewer, folders.c.path),
)
viewer_role_folder_of = ToOne(folders, viewer_role_folder_uuid, access=sees_folder)


visible_subfolders: ViewerColumn = viewer_column(
    folder_counters,
    "visible_folders",
    sa.BigInteger(),
    lambda viewer: (
        folder_counters.c.folders - hidden_subfolders(viewer, folder_counters.c.folder_uuid)
    ),
)


class FolderSums(FolderCountersRecord):
    """Sums of the counters of a folder and of all that the viewer sees below it."""

    visible_folders: int


@kept_statement(FolderSums)
def sums_below(viewer: Viewer) -> sa.Select[Any]:
    below = sa.and_(within(folders.c.path, _top.c.path), *sees_below(viewer, folders, _top))
    sums = [
        sa.func.coalesce(sa.cast(sa.func.sum(column), sa.BigInteger), 0).label(column.key)
        for column in folder_counters.c
        if column.key != "folder_uuid"
    ]
    return (
        sa.select(_top.c.uuid.label("folder_uuid"), *sums)
        .add_columns((sa.func.count() - 1).label(visible_subfolders.key))
        .select_from(_top.join(folders, below))
        .join(folder_counters, folder_counters.c.folder_uuid == folders.c.uuid)
        .where(in_bound_keys(_top.c.uuid, KEYS))
        .group_by(_top.c.uuid)
    )


@batch(
    folders.c.uuid,
    plain=ToOne(folder_counters, folders.c.uuid, folder_counters.c.folder_uuid),
    work=500,
)
async def summary_of(
    context: Context,
    keys: list[UUID],
    *,
    recursive: Annotated[
        bool, strawberry.argument(description="Whether to include all folders below it.")
    ] = False,
) -> list[FolderSums]:
    """Load the sums of the counters of folders and everything below them that the viewer sees.

    `plain` reads the counters of the folders alone.
    """
    rows = await sums_below.rows(context.database, context.viewer, keys)
    by_folder = {row.folder_uuid: row for row in rows}
    return [by_folder[key] for key in keys]
