"""What mutations of grants answer."""

from __future__ import annotations

import strawberry

from resolvers.datasets import dataset_by_uuid
from resolvers.folders import folder_by_uuid
from schema.common import REFUSED, UserError
from schema.datasets import Dataset
from schema.fields import column, of, resolved
from schema.folders import StorageFolder

_FOLDER = "The folder with the groups that it has now, if the viewer may still see it."
_DATASET = "The dataset with the groups that it has now, if the viewer may still see it."


@of()
@strawberry.type(description="The folder on which groups got a role.")
class AddStorageFolderGroupsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, _FOLDER)
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder on which groups lost their role.")
class RemoveStorageFolderGroupsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, _FOLDER)
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset on which groups got a role.")
class AddDatasetGroupsPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, _DATASET)
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The dataset on which groups lost their role.")
class RemoveDatasetGroupsPayload:
    dataset: Dataset | None = resolved(dataset_by_uuid, _DATASET)
    user_errors: list[UserError] = column(REFUSED)
