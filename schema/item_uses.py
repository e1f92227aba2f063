"""Uses of items by groups and datasets."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import datasets, items
from schema.datasets import Dataset
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(description="A dataset's use of an item.")
class DatasetUsage:
    dataset: Dataset | None = resolved(
        datasets.dataset_by_uuid,
        "The dataset. Null only if the viewer loses access to it during the operation.",
    )
    backing_folder_uuid: UUID | None = resolved(
        datasets.backing_folder_uuid_of_usage,
        "The UUID of the folder that the dataset mirrors. Null if it mirrors none or the viewer "
        "cannot see that folder.",
    )
    title: str = column("The dataset's title.")
    data_row_uuids: list[UUID] = column(
        "UUIDs of the dataset's data rows for this item; at most 1,000."
    )
    data_rows_created_at: datetime = column(
        "When the first of those data rows was created, in UTC."
    )


@row_type()
@strawberry.type(
    description="Uses of an item. Counts cover everything; lists contain only what the viewer "
    "can see."
)
class StorageItemSummary:
    frame_in_groups: int = resolved(
        items.group_count, "Number of item groups that the item belongs to."
    )
    used_in_datasets: int = resolved(items.dataset_count, "Number of datasets that use the item.")
    accessible_datasets: list[DatasetUsage] = resolved(
        items.accessible_datasets,
        "The datasets that use the item and that the viewer can see. Covers at most 1,000 data "
        "rows.",
    )
