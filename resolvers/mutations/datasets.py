"""Mutations of datasets, and of the items that they use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from strawberry import UNSET

from gateway.catalog import datasets as catalog
from gateway.catalog.folders import create_folder
from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.ledger.mirror_datasets import link_items, mirror_dataset_of
from gateway.catalog.ledger.row_edits import lock_row, update_row
from gateway.catalog.linking import find_linking, start_linking
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import LIMITED_TO_TREE, not_both
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import DatasetLinkDuplicatesBehavior
from gateway.models.datasets import DataRowRecord, DatasetRecord
from gateway.models.items import ItemRecord
from resolvers.global_ids import MAX_DELETED_IDS
from resolvers.id_lists import check_ids_exist, check_list_size
from resolvers.idempotency import create_once, run_once
from resolvers.inputs.datasets import (
    CreateDatasetInput,
    DeleteDatasetInput,
    LinkItemsToDatasetInput,
    UnlinkItemsFromDatasetInput,
    UpdateDatasetInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER, VIEWER


@dataclass(frozen=True, slots=True)
class CreateDatasetOutcome(Outcome):
    """Outcome of `createDataset`."""

    dataset_uuid: UUID | None = None
    job_uuid: UUID | None = None


@requires(ADMIN.on_folder("backing_folder_uuid", "the mirrored folder", optional=True))
async def create_dataset(
    context: Context, input: CreateDatasetInput, permissions: Permissions
) -> CreateDatasetOutcome:
    """Create a dataset, of which the viewer becomes `ADMIN`.

    With `backingFolderUuid` or `createBackingFolder` it mirrors that folder: it always uses exactly
    the items directly in it. Of a folder that has many already, the first 1,000 are linked at once
    and the others by `job`. Fails with `CONFLICT` if another dataset mirrors the folder.
    """
    title = validate_name(input.title, "title")
    description = validate_description(input.description, "description")
    if input.create_backing_folder and input.backing_folder_uuid:
        raise bad_input(not_both("createBackingFolder", "backingFolderUuid"), "backingFolderUuid")
    viewer, queue = context.viewer.user_uuid, context.services.queue
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=input.backing_folder_uuid is not None)
        await permissions.check(transaction)
        if context.viewer.tree_uuid:
            raise forbidden(LIMITED_TO_TREE)

        async def create() -> UUID:
            folder = input.backing_folder_uuid
            if input.create_backing_folder:
                folder = await create_folder(
                    transaction,
                    viewer,
                    title,
                    masks_root=context.services.settings.mask_new_roots,
                )
            elif folder and await mirror_dataset_of(transaction, folder):
                raise conflict("Another dataset mirrors this folder.", "backingFolderUuid")
            dataset = await catalog.create_dataset(transaction, viewer, title, description, folder)
            if input.backing_folder_uuid:
                await start_linking(transaction, queue, viewer, dataset, input.backing_folder_uuid)
            return dataset

        uuid = await create_once(context, transaction, "createDataset", input, "dataset", create)
        job = await find_linking(transaction, uuid) if input.backing_folder_uuid else None
    return CreateDatasetOutcome(dataset_uuid=uuid, job_uuid=job)


@dataclass(frozen=True, slots=True)
class UpdateDatasetOutcome(Outcome):
    """Outcome of `updateDataset`."""

    dataset_uuid: UUID | None = None


@requires(USER.on_dataset("dataset_uuid"))
async def update_dataset(
    context: Context, input: UpdateDatasetInput, permissions: Permissions
) -> UpdateDatasetOutcome:
    """Change a dataset's title or description. Omitted fields are not changed."""
    values: dict[str, Any] = {}
    if input.title is not UNSET:
        values["title"] = validate_name(input.title, "title")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        dataset = await lock_row(transaction, DatasetRecord, uuid, "dataset", "datasetUuid")
        await update_row(transaction, viewer, DatasetRecord, "Dataset", dataset, values)
    return UpdateDatasetOutcome(dataset_uuid=uuid)


@dataclass(frozen=True, slots=True)
class DeleteDatasetOutcome(Outcome):
    """Outcome of `deleteDataset`."""

    dataset_uuid: UUID | None = None
    removed_data_rows_count: int | None = None
    job_uuid: UUID | None = None


@requires(ADMIN.on_dataset("dataset_uuid"))
async def delete_dataset(
    context: Context, input: DeleteDatasetInput, permissions: Permissions
) -> DeleteDatasetOutcome:
    """Delete a dataset with its data rows. Its items, and a folder that it mirrors, are kept.

    It is gone for everyone at once. If it has more than 1,000 data rows, `job` removes them.
    """
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await permissions.check(transaction)
        dataset = await lock_row(transaction, DatasetRecord, uuid, "dataset", "datasetUuid")
        queue = context.services.queue
        deleted = await catalog.delete_dataset(transaction, queue, viewer, dataset)
    return DeleteDatasetOutcome(
        dataset_uuid=uuid,
        removed_data_rows_count=deleted.data_row_count,
        job_uuid=deleted.job_uuid,
    )


class StoredLinks(TypedDict):
    """Uuids of the new data rows, as stored under an idempotency key."""

    rows: list[str]


@dataclass(frozen=True, slots=True)
class LinkItemsToDatasetOutcome(Outcome):
    """Outcome of `linkItemsToDataset`."""

    dataset_uuid: UUID | None = None
    data_rows: list[DataRowRecord] | None = None


@requires(USER.on_dataset("dataset_uuid"), VIEWER.on_each_item("item_uuids"))
async def link_items_to_dataset(
    context: Context, input: LinkItemsToDatasetInput, permissions: Permissions
) -> LinkItemsToDatasetOutcome:
    """Link 1 to 1,000 items to a dataset; each gets a data row.

    `duplicatesBehavior` says what happens to items that the dataset already uses. If one item is
    rejected, none is linked. Fails with `CONFLICT` if the dataset mirrors a folder: add items to
    that folder instead.
    """
    check_list_size(input.item_uuids, "itemUuids")
    dataset_uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        await lock_unmirrored_dataset(transaction, dataset_uuid)

        async def link() -> StoredLinks:
            errors = await permissions.errors(transaction, "item_uuids")
            items = {row.uuid: row for row in await lock_items(transaction, input.item_uuids)}
            linked = await catalog.linked_items(transaction, dataset_uuid, input.item_uuids)
            _check_links(input, items, linked, errors)
            skips = input.duplicates_behavior is DatasetLinkDuplicatesBehavior.SKIP
            new = [uuid for uuid in input.item_uuids if not (skips and uuid in linked)]
            rows = await link_items(transaction, viewer, dataset_uuid, new)
            return {"rows": [str(row.uuid) for row in rows]}

        stored = await run_once(
            context, transaction, "linkItemsToDataset", input, link, permissions
        )
        rows = await catalog.find_data_rows(transaction, [UUID(uuid) for uuid in stored["rows"]])
    return LinkItemsToDatasetOutcome(dataset_uuid=dataset_uuid, data_rows=rows)


@dataclass(frozen=True, slots=True)
class UnlinkItemsFromDatasetOutcome(Outcome):
    """Outcome of `unlinkItemsFromDataset`."""

    dataset_uuid: UUID | None = None
    removed_data_rows_count: int | None = None
    deleted_uuids: list[UUID] | None = None


@requires(USER.on_dataset("dataset_uuid"))
async def unlink_items_from_dataset(
    context: Context, input: UnlinkItemsFromDatasetInput, permissions: Permissions
) -> UnlinkItemsFromDatasetOutcome:
    """Unlink 1 to 1,000 items from a dataset: all their data rows in it are deleted.

    The items themselves are not deleted. If the dataset does not use one of them (`NOT_FOUND`),
    none is unlinked. Fails with `CONFLICT` if the dataset mirrors a folder: move the items out of
    that folder instead.
    """
    check_list_size(input.item_uuids, "itemUuids")
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        await lock_unmirrored_dataset(transaction, uuid)
        linked = await catalog.linked_items(transaction, uuid, input.item_uuids)
        check_ids_exist(input.item_uuids, linked, "item in the dataset", "itemUuids")
        deleted = await catalog.unlink_items(transaction, viewer, uuid, input.item_uuids)
    return UnlinkItemsFromDatasetOutcome(
        dataset_uuid=uuid,
        removed_data_rows_count=len(deleted),
        deleted_uuids=deleted[:MAX_DELETED_IDS],
    )


async def lock_unmirrored_dataset(transaction: Transaction, uuid: UUID) -> None:
    """Lock a dataset whose items may be chosen; raise `CONFLICT` if it mirrors a folder."""
    dataset = await lock_row(transaction, DatasetRecord, uuid, "dataset", "datasetUuid")
    if dataset.backing_folder_uuid:
        message = "This dataset mirrors a folder: add items to that folder or remove them from it."
        raise conflict(message, "datasetUuid")


def _check_links(
    input: LinkItemsToDatasetInput,
    items: Mapping[UUID, ItemRecord],
    linked: set[UUID],
    errors: dict[int, DomainError],
) -> None:
    """Add the errors of the items to those of the roles; raise `DomainErrors` if there are any."""
    fails = input.duplicates_behavior is DatasetLinkDuplicatesBehavior.FAIL
    for index, uuid in enumerate(input.item_uuids):
        if index in errors:
            continue
        item = items.get(uuid)
        if item is None:  # removed since the roles were read
            errors[index] = not_found("item", uuid, "itemUuids", index)
        elif message := unusable_reason(item):
            errors[index] = conflict(message, "itemUuids", index)
        elif fails and uuid in linked:
            errors[index] = conflict("The item is already in the dataset.", "itemUuids", index)
    if errors:
        raise DomainErrors([errors[index] for index in sorted(errors)])
