"""Inputs of mutations of datasets."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import DatasetLinkDuplicatesBehavior, StorageUserRole
from resolvers.inputs.descriptions import (
    IDEMPOTENCY_KEY,
    USER_EMAILS,
    USER_UUIDS,
    description_of,
    new_description_of,
    new_title_of,
    title_of,
)

_ITEMS = "UUIDs of 1 to 1,000 items, without duplicates."


@strawberry.input(description="A new dataset.")
class CreateDatasetInput:
    title: str = strawberry.field(description=title_of("dataset"))
    description: str | None = strawberry.field(default=None, description=description_of("dataset"))
    create_backing_folder: bool = strawberry.field(
        default=False,
        description="Whether to create a root folder of the same name and mirror it.",
    )
    backing_folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of a folder to mirror, which no other dataset may mirror. Cannot be "
        "combined with `createBackingFolder`. Requires `ADMIN` on the folder.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a dataset. Omitted fields are not changed.")
class UpdateDatasetInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_title_of("dataset")
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("dataset")
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
        description="Treatment of items that the dataset already uses.",
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
    user_uuids: list[UUID] | None = strawberry.field(default=None, description=USER_UUIDS)
    user_emails: list[str] | None = strawberry.field(default=None, description=USER_EMAILS)
    role: StorageUserRole = strawberry.field(
        description="The role to grant. It replaces a role that was granted to a user on the "
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
        description=f"{USER_UUIDS} Users without a direct role are ignored.",
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description=f"{USER_EMAILS} Unknown addresses are ignored.",
    )
