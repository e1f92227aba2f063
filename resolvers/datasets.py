"""How datasets and their data rows answer."""

from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_datasets
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_dataset, sees_folder, sees_item
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Batch,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.execution.loader_resolvers import find_rows
from gateway.ids import global_id
from gateway.kinds.enums import StorageLocationName, StorageUserRole
from gateway.models.datasets import data_rows, dataset_grants, datasets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import groups, users
from resolvers.filters import SCOPE, dataset_conditions, name_condition
from resolvers.inputs.lists import DatasetFilter
from resolvers.orders import by_name, in_sequence

SEARCH = Argument("search", str | None, None, "Text that the name contains, whatever the case.")
_titled = name_condition(datasets.c.title_key)


def _listed(asked: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    return [*dataset_conditions(asked), *_titled(asked)]


def _sees_row(viewer: Viewer) -> sa.ColumnElement[bool]:
    return sa.exists().where(datasets.c.uuid == data_rows.c.dataset_uuid, sees_dataset(viewer))


id_of = Computed((datasets.c.uuid,), lambda row: global_id("Dataset", row.uuid))
row_id_of = Computed((data_rows.c.uuid,), lambda row: global_id("DataRow", row.uuid))
dataset_by_uuid = ToOne(datasets, "dataset_uuid", access=sees_dataset)
row_by_uuid = ToOne(data_rows, "data_row_uuid", access=_sees_row)
dataset_lookup = Lookup(dataset_by_uuid, "uuid", "The dataset's uuid.")
dataset_of_row = ToOne(datasets, data_rows.c.dataset_uuid)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)
dataset_of_usage = ToOne(datasets, "dataset_hash", access=sees_dataset)
backing_folder_of = ToOne(folders, datasets.c.backing_folder_uuid, access=sees_folder)
item_of = ToOne(items, data_rows.c.item_uuid, access=sees_item)
data_row_count = Aggregate(datasets.c.uuid, data_rows.c.dataset_uuid, sa.func.count(), data_rows)
visible_datasets = ToMany(
    "datasets",
    datasets,
    by_name(datasets.c.title_key, datasets.c.uuid),
    where=_listed,
    filter_type=DatasetFilter,
    arguments=(SCOPE, SEARCH),
)
rows_in = ToMany(
    "dataRows",
    data_rows,
    in_sequence(data_rows.c.created_at, data_rows.c.uuid),
    key=datasets.c.uuid,
    parent=data_rows.c.dataset_uuid,
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


async def _locations(context: Context, keys: list[UUID]) -> list[list[StorageLocationName]]:
    statement = (
        sa.select(data_rows.c.dataset_uuid, items.c.storage_location)
        .join(items, items.c.uuid == data_rows.c.item_uuid)
        .where(in_keys(data_rows.c.dataset_uuid, keys))
        .distinct()
    )
    found: dict[UUID, list[StorageLocationName]] = {key: [] for key in keys}
    for row in await context.database.rows(statement):
        found[row.dataset_uuid].append(row.storage_location)
    return [sorted(found[key]) for key in keys]


async def _roles(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    async with context.database.reading() as connection:
        held = await roles_on_datasets(connection, context.viewer, keys)
    return [held[key].role for key in keys]


async def _backing_uuids(context: Context, keys: list[UUID | None]) -> list[UUID | None]:
    return [row and row.uuid for row in await find_rows(context, backing_folder_of, keys)]


async def _backing_uuids_of_usages(context: Context, keys: list[UUID]) -> list[UUID | None]:
    rows = await find_rows(context, dataset_of_usage, keys)
    return await _backing_uuids(context, [row.backing_folder_uuid for row in rows])


locations_of = Batch((datasets.c.uuid,), _locations)
viewer_role_on = Batch((datasets.c.uuid,), _roles)
backing_folder_uuid_of = Batch((datasets.c.backing_folder_uuid,), _backing_uuids)
backing_folder_uuid_of_usage = Batch(("dataset_hash",), _backing_uuids_of_usages)
