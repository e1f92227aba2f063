"""Datasets and their data rows."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageLocationName, StorageUserRole
from resolvers import datasets
from schema.common import Connection, Node, PageInfo, counted_page, page_itself
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.people import Group, User

if TYPE_CHECKING:
    from schema.items import StorageItem


@of()
@strawberry.type(description="One use of an item by a dataset (ENC-DROW).")
class DataRow(Node):
    id: strawberry.ID = resolved(datasets.row_id_of, "The opaque id.")
    uuid: UUID = column("The data row's uuid.")
    dataset: Dataset = resolved(datasets.dataset_of_row, "The dataset that it belongs to.")
    storage_item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        datasets.item_of, "The item, if the viewer may see it (ENC-DROW-18)."
    )
    created_at: datetime = column("When the item was linked.")


@of()
@strawberry.type(description="A group on a dataset, with its role there.")
class DatasetGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Where the group lies in this list.")
    role: StorageUserRole = resolved(datasets.role_on_edge, "The group's role on the dataset.")


@of()
@strawberry.type(description="A page of the groups that hold a role on a dataset.")
class DatasetGroupConnection:
    edges: list[DatasetGroupEdge] = column("The groups with their roles.")
    nodes: list[Group] = column("The groups.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many groups there are in all; counted only when selected."
    )


@of()
@strawberry.type(description="A user with a role of his own on a dataset.")
class DatasetUserEdge:
    node: User = column("The user.")
    cursor: str = column("Where the user lies in this list.")
    role: StorageUserRole = resolved(datasets.role_on_edge, "The user's role on the dataset.")


@of()
@strawberry.type(description="A page of the users who hold a role of their own on a dataset.")
class DatasetUserConnection:
    edges: list[DatasetUserEdge] = column("The users with their roles.")
    nodes: list[User] = column("The users.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many users there are in all; counted only when selected."
    )


@of()
@strawberry.type(
    description="Items chosen for a purpose. A mirror dataset follows the direct items of its folder (ENC-DSET)."
)
class Dataset(Node):
    id: strawberry.ID = resolved(datasets.id_of, "The opaque id.")
    uuid: UUID = column("The dataset's uuid.")
    title: str = column("The dataset's title.")
    description: str = column("What the dataset is for.")
    created_at: datetime = column("When it was made.")
    last_edited_at: datetime = column("When its own attributes last changed.")
    viewer_role: StorageUserRole = resolved(
        datasets.viewer_role_on, "What the viewer may do with it (ENC-DSET-06)."
    )
    backing_folder: StorageFolder | None = resolved(
        datasets.backing_folder_of, "The folder that it mirrors, if it does and the viewer sees it."
    )
    backing_folder_uuid: UUID | None = resolved(
        datasets.backing_folder_uuid_of, "The uuid of that folder (ENC-DSET-08)."
    )
    data_rows_count: int = resolved(datasets.data_row_count, "How many data rows it has.")
    data_rows: Connection[DataRow] = resolved(
        datasets.rows_in, "Its data rows, in the order in which they came."
    )
    groups: DatasetGroupConnection = resolved(
        datasets.groups_on, "The groups that hold a role on it."
    )
    users: DatasetUserConnection = resolved(
        datasets.users_on, "The users who hold a role of their own on it (ENC-DOP-09)."
    )
    storage_locations: list[StorageLocationName] = resolved(
        datasets.locations_of,
        "Where the bytes of its items lie, each place once; at most 7 (ENC-DSET-07).",
    )
