"""Inputs of mutations of datasets."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import DatasetLinkDuplicatesBehavior, StorageUserRole
from resolvers.inputs.descriptions import (
    DESCRIPTION,
    IDEMPOTENCY_KEY,
    NAME,
    NEW_DESCRIPTION,
    NEW_NAME,
)

_ITEMS = "UUIDs of 1 to 1,000 items, without duplicates."


@strawberry.input(description="A new dataset.")
class CreateDatasetInput:
    title: str = strawberry.field(description=NAME)
    description: str | None = strawberry.field(default=None, description=DESCRIPTION)
    create_backing_folder: bool = strawberry.field(
        default=False,
        description="Whether to create a root folder of the same name and mirror it.",
    )
    backing_folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of a folder to mirror, which no other dataset may mirror. Cannot be "
        "combined with `createBackingFolder`. Needs `ADMIN` on the folder.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a dataset. Omitted fields stay unchanged.")
class UpdateDatasetInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    title: str | None = strawberry.field(default=strawberry.UNSET, description=NEW_NAME)
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=NEW_DESCRIPTION
    )


@strawberry.input(description="The dataset to delete. Its items are not deleted.")
class DeleteDatasetInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")


@strawberry.input(description="Items to link to a dataset.")
class LinkItemsToDatasetInput:
    dataset_uuid: UUID = strawberry.field(
        description="UUID of the dataset. Mirror datasets are rejected, because they follow "
        "their folder."
    )
    item_uuids: list[UUID] = strawberry.field(
        description=f"{_ITEMS} Placeholders and tombstones are rejected."
    )
    duplicates_behavior: DatasetLinkDuplicatesBehavior = strawberry.field(
        default=DatasetLinkDuplicatesBehavior.SKIP,
        description="Handling of items that the dataset uses already.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Items to unlink from a dataset.")
class UnlinkItemsFromDatasetInput:
    dataset_uuid: UUID = strawberry.field(
        description="UUID of the dataset. Mirror datasets are rejected, because they follow "
        "their folder."
    )
    item_uuids: list[UUID] = strawberry.field(
        description=f"{_ITEMS} All data rows of each item are deleted."
    )


@strawberry.input(
    description="Users to grant a role on a dataset, given by UUID, email address or both."
)
class AddDatasetUsersInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None, description="UUIDs of at most 1,000 users."
    )
    user_emails: list[str] | None = strawberry.field(
        default=None, description="At most 1,000 email addresses of users, in any case."
    )
    role: StorageUserRole = strawberry.field(
        description="The role to grant. It replaces the role that a user already holds on the "
        "dataset directly."
    )


@strawberry.input(
    description="Users whose direct role on a dataset is revoked, given by UUID, email address "
    "or both."
)
class RemoveDatasetUsersInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None,
        description="UUIDs of at most 1,000 users. Users without a direct role are ignored.",
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 email addresses, in any case. Unknown addresses are ignored.",
    )
