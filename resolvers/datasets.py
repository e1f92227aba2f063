"""Datasets and their data rows: how they are resolved."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_datasets
from gateway.auth.visibility import (
    has_staying_item,
    sees_dataset,
    sees_folder,
    sees_item,
)
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Batch,
    Computed,
    Lookup,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.loader_resolvers import find_rows
from gateway.kinds.enums import StorageLocationName, StorageUserRole
from gateway.models.datasets import data_rows, dataset_grants, datasets
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
)
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
data_row_count = Aggregate(
    datasets.c.uuid,
    data_rows.c.dataset_uuid,
    sa.func.count(),
    data_rows,
    where=lambda _viewer: has_staying_item(data_rows.c.item_uuid),
)
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


@batch(datasets.c.uuid, work=200)
async def locations_of(context: Context, keys: list[UUID]) -> list[list[StorageLocationName]]:
    """Load the storage locations of datasets' items, in alphabetical order."""
    statement = (
        sa.select(data_rows.c.dataset_uuid, items.c.storage_location)
        .join(items, items.c.uuid == data_rows.c.item_uuid)
        .where(in_keys(data_rows.c.dataset_uuid, keys), has_staying_item(items.c.uuid))
        .distinct()
    )
    locations: dict[UUID, list[StorageLocationName]] = {key: [] for key in keys}
    for row in await context.database.rows(statement, StoredWhere):
        locations[row.dataset_uuid].append(row.storage_location)
    return [sorted(locations[key]) for key in keys]


@batch(datasets.c.uuid)
async def viewer_role_on(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    """Load the viewer's roles on datasets that they can see."""
    async with context.database.reading() as connection:
        roles = await roles_on_datasets(connection, context.viewer, keys)
    return [roles[key].role for key in keys]


async def _visible_folder_uuids(context: Context, keys: Sequence[UUID | None]) -> list[UUID | None]:
    return [row and row.uuid for row in await find_rows(context, backing_folder_of, keys)]


backing_folder_uuid_of = Batch((datasets.c.backing_folder_uuid,), _visible_folder_uuids)


@batch("dataset_uuid")
async def backing_folder_uuid_of_usage(context: Context, keys: list[UUID]) -> list[UUID | None]:
    """Load the UUIDs of the folders that datasets mirror, of those that the viewer can see."""
    rows = await find_rows(context, dataset_by_uuid, keys)
    return await _visible_folder_uuids(context, [row.backing_folder_uuid for row in rows])
