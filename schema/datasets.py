"""Datasets and their data rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageLocationName, StorageUserRole
from resolvers import datasets
from schema.common import CAPPED, Connection, Node, PageInfo, capped_page, counted_page, page_itself
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.people import Group, User

if TYPE_CHECKING:
    from schema.items import StorageItem


@row_type()
@strawberry.type(description="One use of an item by a dataset.")
class DataRow(Node):
    id: strawberry.ID = resolved(datasets.row_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The data row's UUID.")
    dataset: Dataset = resolved(datasets.dataset_of_row, "The dataset that the row belongs to.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        datasets.item_of, "The item. Null if the viewer cannot see it."
    )
    created_at: datetime = column("When the item was linked to the dataset, in UTC.")


@row_type()
@strawberry.type(description="A group that has a role on a dataset.")
class DatasetGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Position of the group in this list, for use with `after` or `before`.")
    role: StorageUserRole = resolved(datasets.role_on_edge, "The group's role on the dataset.")


@row_type()
@strawberry.type(description="A page of the user groups that have a role on a dataset.")
class DatasetGroupConnection:
    edges: list[DatasetGroupEdge] = column("The groups with their roles and cursors.")
    nodes: list[Group] = column("The groups on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of groups in the whole list. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(description="A user who has a role on a dataset directly, not through a group.")
class DatasetUserEdge:
    node: User = column("The user.")
    cursor: str = column("Position of the user in this list, for use with `after` or `before`.")
    role: StorageUserRole = resolved(datasets.role_on_edge, "The user's role on the dataset.")


@row_type()
@strawberry.type(description="A page of the users who have a role on a dataset directly.")
class DatasetUserConnection:
    edges: list[DatasetUserEdge] = column("The users with their roles and cursors.")
    nodes: list[User] = column("The users on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of users in the whole list. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(
    description="A selection of items for a purpose such as training or labeling. A mirror "
    "dataset follows the direct items of its backing folder; any other dataset is filled with "
    "`linkItemsToDataset`."
)
class Dataset(Node):
    id: strawberry.ID = resolved(datasets.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The dataset's UUID.")
    title: str = column("The dataset's title. Titles need not be unique.")
    description: str = column("Free-text description; empty by default.")
    created_at: datetime = column("When the dataset was created, in UTC.")
    last_edited_at: datetime = column(
        "When the dataset's own attributes last changed, in UTC. Adding or removing items does "
        "not count."
    )
    viewer_role: StorageUserRole = resolved(
        datasets.viewer_role_on, "The viewer's strongest role on the dataset."
    )
    backing_folder: StorageFolder | None = resolved(
        datasets.backing_folder_of,
        "The folder that the dataset mirrors. Null if it mirrors none or the viewer cannot see "
        "that folder.",
    )
    backing_folder_uuid: UUID | None = resolved(
        datasets.backing_folder_uuid_of, "The UUID of `backingFolder`, and null whenever that is."
    )
    data_rows_count: int = resolved(
        datasets.data_row_count,
        "Number of data rows, including those whose item the viewer cannot see.",
    )
    data_rows: Connection[DataRow] = resolved(
        datasets.rows_in, "The dataset's data rows, oldest first."
    )
    groups: DatasetGroupConnection = resolved(
        datasets.groups_on, "The user groups that have a role on the dataset, by name."
    )
    users: DatasetUserConnection = resolved(
        datasets.users_on, "The users who have a role on the dataset directly, by email address."
    )
    storage_locations: list[StorageLocationName] = resolved(
        datasets.locations_of,
        "The storage locations of the dataset's items, without duplicates; at most 7.",
    )
