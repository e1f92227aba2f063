"""Datasets and their data rows: how they are resolved."""

from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.role_columns import ROLE_TYPE, role_by_own_grants
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    has_staying_item,
    is_any_leaving,
    sees_dataset,
    sees_folder,
    sees_item,
)
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.bound_values import FOLDED
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import (
    Argument,
    Computed,
    Lookup,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.execution.viewer_columns import viewer_column
from gateway.kinds.enums import StorageLocationName
from gateway.models.datasets import data_rows, dataset_counters, dataset_grants, datasets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import groups, users
from resolvers.filters import SCOPE, dataset_conditions, name_condition
from resolvers.global_ids import id_from
from resolvers.inputs.lists import DatasetFilter
from resolvers.orders import by_name, in_sequence

SEARCH = Argument(
    "search",
    str | None,
    None,
    "Text that the title contains, ignoring case; at most 1,000 characters.",
    FOLDED,
)
_mirrored = folders.alias("mirrored")
_title_condition = name_condition(datasets.c.title_key)


id_of = id_from("Dataset", datasets.c.uuid)
row_id_of = id_from("DataRow", data_rows.c.uuid)
id_of_named_row = id_from("DataRow", "data_row_uuid")
dataset_by_uuid = ToOne(datasets, "dataset_uuid", access=sees_dataset)
row_by_uuid = ToOne(
    data_rows,
    "data_row_uuid",
    access=lambda viewer: sa.and_(
        sa.exists().where(datasets.c.uuid == data_rows.c.dataset_uuid, sees_dataset(viewer)),
        has_staying_item(data_rows.c.item_uuid),
    ),
)
dataset_lookup = Lookup(dataset_by_uuid, "uuid", "UUID of the dataset.")
dataset_of_row = ToOne(datasets, data_rows.c.dataset_uuid)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)
backing_folder_of = ToOne(folders, datasets.c.backing_folder_uuid, access=sees_folder)
item_of = ToOne(items, data_rows.c.item_uuid, access=sees_item)
visible_datasets = ToMany(
    "datasets",
    datasets,
    by_name(datasets.c.title_key, datasets.c.uuid),
    where=lambda query: [*dataset_conditions(query), *_title_condition(query)],
    filter_type=DatasetFilter,
    arguments=(SCOPE, SEARCH),
)
rows_in = ToMany(
    "dataRows",
    data_rows,
    in_sequence(data_rows.c.created_at, data_rows.c.uuid),
    key=datasets.c.uuid,
    parent=data_rows.c.dataset_uuid,
    where=lambda _query: [has_staying_item(data_rows.c.item_uuid)],
)
groups_on = ToMany(
    "datasetGroups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    key=datasets.c.uuid,
    parent=dataset_grants.c.dataset_uuid,
    source=groups.join(dataset_grants, dataset_grants.c.group_uuid == groups.c.uuid),
    extras={"role": dataset_grants.c.role},
)
users_on = ToMany(
    "datasetUsers",
    users,
    by_name(users.c.email_key, users.c.uuid),
    key=datasets.c.uuid,
    parent=dataset_grants.c.dataset_uuid,
    source=users.join(dataset_grants, dataset_grants.c.user_uuid == users.c.uuid),
    extras={"role": dataset_grants.c.role},
)


class StoredWhere(NamedTuple):
    """A storage location of some items of a dataset."""

    dataset_uuid: UUID
    storage_location: StorageLocationName


_stays_here = sa.exists().where(
    data_rows.c.dataset_uuid == dataset_counters.c.dataset_uuid,
    items.c.uuid == data_rows.c.item_uuid,
    items.c.storage_location == dataset_counters.c.storage_location,
    has_staying_item(items.c.uuid),
)
_locations = KeptStatement(
    # Counters include items of deleted folders: the rows are looked at while there are such.
    lambda _viewer: sa.select(
        dataset_counters.c.dataset_uuid, dataset_counters.c.storage_location
    ).where(
        in_bound_keys(dataset_counters.c.dataset_uuid, KEYS),
        sa.or_(~is_any_leaving(), _stays_here),
    ),
    StoredWhere,
)


@batch(datasets.c.uuid)
async def locations_of(context: Context, keys: list[UUID]) -> list[list[StorageLocationName]]:
    """Load the storage locations of datasets' items, in alphabetical order."""
    locations: dict[UUID, list[StorageLocationName]] = {key: [] for key in keys}
    for row in await _locations.rows(context.database, context.viewer, keys):
        locations[row.dataset_uuid].append(row.storage_location)
    return [sorted(locations[key]) for key in keys]


def _row_count(_viewer: Viewer) -> sa.ColumnElement[Any]:
    """Return the number of a dataset's rows, from counters unless there are deleted folders."""
    mine = data_rows.c.dataset_uuid == datasets.c.uuid
    counted = sa.select(sa.func.count()).where(mine, has_staying_item(data_rows.c.item_uuid))
    kept = sa.select(sa.func.coalesce(sa.func.sum(dataset_counters.c.data_rows), 0)).where(
        dataset_counters.c.dataset_uuid == datasets.c.uuid
    )
    number = sa.case((is_any_leaving(), counted.scalar_subquery()), else_=kept.scalar_subquery())
    return sa.cast(number, sa.BigInteger())


data_row_count = viewer_column(datasets, "data_row_count", sa.BigInteger(), _row_count)
viewer_role_on = viewer_column(
    datasets,
    "viewer_role",
    ROLE_TYPE,
    lambda viewer: role_by_own_grants(viewer, dataset_grants.c.dataset_uuid, datasets.c.uuid),
)


backing_folder_uuid_of = viewer_column(
    datasets,
    "visible_backing_folder_uuid",
    sa.Uuid(),
    lambda viewer: (
        sa.select(_mirrored.c.uuid)
        .where(_mirrored.c.uuid == datasets.c.backing_folder_uuid, sees_folder(viewer, _mirrored))
        .scalar_subquery()
    ),
)


class BackingFolder(NamedTuple):
    """A dataset and the folder that it mirrors, if the viewer sees both."""

    dataset_uuid: UUID
    folder_uuid: UUID | None


_backing_folders = KeptStatement(
    lambda viewer: sa.select(
        datasets.c.uuid, backing_folder_uuid_of.expression(viewer).label("folder_uuid")
    ).where(in_bound_keys(datasets.c.uuid, KEYS), sees_dataset(viewer)),
    BackingFolder,
)


@batch("dataset_uuid")
async def backing_folder_uuid_of_usage(context: Context, keys: list[UUID]) -> list[UUID | None]:
    """Load the UUIDs of the folders that datasets mirror, of those that the viewer can see."""
    rows = await _backing_folders.rows(context.database, context.viewer, keys)
    mirrored = {row.dataset_uuid: row.folder_uuid for row in rows}
    return [mirrored.get(key) for key in keys]
