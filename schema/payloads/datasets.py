"""Payloads of mutations of datasets."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.datasets import dataset_by_uuid
from resolvers.global_ids import id_from, ids_from
from resolvers.jobs import deletion_by_uuid, linking_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.datasets import DataRow, Dataset
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type
from schema.linking import LinkingJob


@row_type()
@strawberry.type(description="Result of `createDataset`.")
class CreateDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The new dataset.")
    job: LinkingJob | None = resolved(
        linking_by_uuid,
        "The job that links the other items of a folder that has more than 1,000. Null if all are "
        "linked.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateDataset`.")
class UpdateDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The changed dataset.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteDataset`.")
class DeleteDatasetPayload:
    dataset_uuid: UUID | None = column("The UUID of the deleted dataset.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("Dataset", "dataset_uuid"), "The global ID of the deleted dataset."
    )
    removed_data_rows_count: int | None = column("Number of data rows deleted with it.")
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes the data rows if they are more than 1,000. For everyone the dataset "
        "and its data rows are gone already.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `linkItemsToDataset`.")
class LinkItemsToDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The changed dataset.")
    data_rows: list[DataRow] | None = column("The new data rows, in input order; at most 1,000.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `unlinkItemsFromDataset`.")
class UnlinkItemsFromDatasetPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The changed dataset.")
    removed_data_rows_count: int | None = column("Number of data rows deleted.")
    deleted_ids: list[strawberry.ID] | None = resolved(
        ids_from("DataRow", "deleted_uuids"),
        "The global IDs of the deleted data rows; at most 10,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addDatasetUsers`.")
class AddDatasetUsersPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, "The changed dataset.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeDatasetUsers`.")
class RemoveDatasetUsersPayload:
    dataset: Dataset | None = resolved(
        dataset_by_uuid, "The changed dataset. Null if the viewer can no longer see it."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
