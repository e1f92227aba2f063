"""Payloads of mutations that grant roles to groups, and revoke them."""

from __future__ import annotations

import strawberry

from resolvers.datasets import dataset_by_uuid
from resolvers.folders import folder_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.datasets import Dataset
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder

_FOLDER = "The folder with its changed groups. Null if the viewer can no longer see it."
_DATASET = "The dataset with its changed groups. Null if the viewer can no longer see it."


@row_type()
@strawberry.type(description="Result of `addStorageFolderGroups`.")
class AddStorageFolderGroupsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, _FOLDER)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeStorageFolderGroups`.")
class RemoveStorageFolderGroupsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, _FOLDER)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addDatasetGroups`.")
class AddDatasetGroupsPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, _DATASET)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeDatasetGroups`.")
class RemoveDatasetGroupsPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, _DATASET)
    user_errors: list[UserError] = column(USER_ERRORS)
