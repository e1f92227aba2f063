"""What mutations of datasets answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.datasets import dataset_by_uuid
from schema.common import REFUSED, UserError
from schema.datasets import DataRow, Dataset
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="The dataset that was made.")
class CreateDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The new dataset.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset that was changed.")
class UpdateDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The dataset as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset that was removed.")
class DeleteDatasetPayload:
    dataset_uuid: UUID | None = column("The dataset that is gone.")
    removed_data_rows_count: int | None = column("How many data rows went with it.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset that got items.")
class LinkItemsToDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The dataset as it is now.")
    data_rows: list[DataRow] | None = column(
        "The new data rows, in the order of the input; at most 1,000."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset that lost items.")
class UnlinkItemsFromDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The dataset as it is now.")
    removed_data_rows_count: int | None = column("How many data rows went.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset on which users got a role.")
class AddDatasetUsersPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The dataset as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset on which users lost their role.")
class RemoveDatasetUsersPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The dataset as it is now.")
    user_errors: list[UserError] = column(REFUSED)
