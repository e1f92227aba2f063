"""What a client sends to change datasets."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import DatasetLinkDuplicatesBehavior, StorageUserRole

_DESCRIPTION = "At most 10,000 characters; null empties it."
_KEY = "The same key within 24 hours gives the same answer instead of doing it again."
_ITEMS = "1 to 1,000 items, none of them twice."


@strawberry.input(description="A dataset to be made (ENC-DOP-01).")
class CreateDatasetInput:
    title: str = strawberry.field(
        description="1 to 1,000 characters; others may have the same title."
    )
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    create_backing_folder: bool = strawberry.field(
        default=False,
        description="Whether to make a root folder of the same name that the dataset mirrors.",
    )
    backing_folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="A folder to mirror, which no other dataset does; not together with createBackingFolder.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes of a dataset: what is absent stays as it is.")
class UpdateDatasetInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 1,000 characters; null is refused."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description=_DESCRIPTION)


@strawberry.input(description="A dataset to be removed.")
class DeleteDatasetInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")


@strawberry.input(description="Items that a dataset shall use (ENC-DOP-05).")
class LinkItemsToDatasetInput:
    dataset_uuid: UUID = strawberry.field(
        description="The dataset; one that mirrors a folder is refused."
    )
    item_uuids: list[UUID] = strawberry.field(
        description=f"{_ITEMS} They must be processed and not gone."
    )
    duplicates_behavior: DatasetLinkDuplicatesBehavior = strawberry.field(
        default=DatasetLinkDuplicatesBehavior.SKIP,
        description="What to do with items that the dataset uses already.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Items that a dataset shall use no more (ENC-DOP-06).")
class UnlinkItemsFromDatasetInput:
    dataset_uuid: UUID = strawberry.field(
        description="The dataset; one that mirrors a folder is refused."
    )
    item_uuids: list[UUID] = strawberry.field(description=f"{_ITEMS} All data rows of each go.")


@strawberry.input(
    description="Users who get a role on a dataset, by uuid or e-mail address or both (ENC-DOP-09)."
)
class AddDatasetUsersInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None, description="At most 1,000 users."
    )
    user_emails: list[str] | None = strawberry.field(
        default=None, description="At most 1,000 e-mail addresses of users, in any case."
    )
    role: StorageUserRole = strawberry.field(
        description="The role of them all, instead of one that they hold."
    )


@strawberry.input(
    description="Users who lose their own role on a dataset, by uuid or e-mail address or both."
)
class RemoveDatasetUsersInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None, description="At most 1,000 users; those who hold none are passed over."
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 e-mail addresses, in any case; unknown ones are passed over.",
    )
