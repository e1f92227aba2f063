"""How datasets are changed, and which items they use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog import datasets as catalog
from gateway.catalog.folders import create_folder
from gateway.catalog.items import locked_items
from gateway.catalog.ledger.mirror_datasets import link_items, mirror_dataset_of
from gateway.catalog.ledger.row_edits import locked_row, update_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, not_found
from gateway.kinds.enums import DatasetLinkDuplicatesBehavior, StorageUserRole
from gateway.models.datasets import DataRowRecord, DatasetRecord
from resolvers.id_lists import check_ids_exist
from resolvers.idempotency import run_once
from resolvers.inputs.datasets import (
    CreateDatasetInput,
    DeleteDatasetInput,
    LinkItemsToDatasetInput,
    UnlinkItemsFromDatasetInput,
    UpdateDatasetInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import (
    check_list_size,
    item_role_errors,
    require_dataset_role,
    require_folder_role,
    requires,
)


@dataclass(frozen=True, slots=True)
class CreateDatasetOutcome(Outcome):
    """Outcome of `createDataset`."""

    dataset_uuid: UUID | None = None


@requires("ADMIN on the folder to be mirrored, if it exists; else nothing")
async def create_dataset(context: Context, input: CreateDatasetInput) -> CreateDatasetOutcome:
    """Make a dataset, whose maker is its ADMIN; with a folder it mirrors the direct items of that (ENC-DOP-01)."""
    title = validate_name(input.title, "title")
    description = validate_description(input.description, "description")
    if input.create_backing_folder and input.backing_folder_uuid:
        raise bad_input(
            "Give createBackingFolder or backingFolderUuid, not both.", "backingFolderUuid"
        )
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=input.backing_folder_uuid is not None)
        if input.backing_folder_uuid:
            await require_folder_role(
                context,
                transaction,
                input.backing_folder_uuid,
                StorageUserRole.ADMIN,
                "backingFolderUuid",
            )

        async def work() -> dict[str, Any]:
            folder = await _backing_folder(context, transaction, input, title)
            return {
                "dataset": str(
                    await catalog.create_dataset(transaction, viewer, title, description, folder)
                )
            }

        done = await run_once(context, transaction, "createDataset", input, work)
    return CreateDatasetOutcome(dataset_uuid=UUID(done["dataset"]))


@dataclass(frozen=True, slots=True)
class UpdateDatasetOutcome(Outcome):
    """Outcome of `updateDataset`."""

    dataset_uuid: UUID | None = None


@requires("USER on the dataset")
async def update_dataset(context: Context, input: UpdateDatasetInput) -> UpdateDatasetOutcome:
    """Change a dataset's title or description; an empty change succeeds and changes nothing."""
    values: dict[str, Any] = {}
    if input.title is not UNSET:
        values["title"] = validate_name(input.title, "title")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    async with context.database.writing() as transaction:
        await require_dataset_role(
            context, transaction, input.dataset_uuid, StorageUserRole.USER, "datasetUuid"
        )
        present = await locked_row(
            transaction, DatasetRecord, input.dataset_uuid, "dataset", "datasetUuid"
        )
        await update_row(
            transaction, context.viewer.user_uuid, DatasetRecord, "Dataset", present, values
        )
    return UpdateDatasetOutcome(dataset_uuid=input.dataset_uuid)


@dataclass(frozen=True, slots=True)
class DeleteDatasetOutcome(Outcome):
    """Outcome of `deleteDataset`."""

    dataset_uuid: UUID | None = None
    removed_data_rows_count: int | None = None


@requires("ADMIN on the dataset")
async def delete_dataset(context: Context, input: DeleteDatasetInput) -> DeleteDatasetOutcome:
    """Remove a dataset with its data rows; the items, and a folder that it mirrors, stay."""
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await require_dataset_role(
            context, transaction, input.dataset_uuid, StorageUserRole.ADMIN, "datasetUuid"
        )
        present = await locked_row(
            transaction, DatasetRecord, input.dataset_uuid, "dataset", "datasetUuid"
        )
        gone = await catalog.delete_dataset(transaction, context.viewer.user_uuid, present)
    return DeleteDatasetOutcome(dataset_uuid=input.dataset_uuid, removed_data_rows_count=gone)


@dataclass(frozen=True, slots=True)
class LinkItemsToDatasetOutcome(Outcome):
    """Outcome of `linkItemsToDataset`."""

    dataset_uuid: UUID | None = None
    data_rows: list[DataRowRecord] | None = None


@requires("USER on the dataset and VIEWER on each item")
async def link_items_to_dataset(
    context: Context, input: LinkItemsToDatasetInput
) -> LinkItemsToDatasetOutcome:
    """Let a dataset use items; if one of them is refused, none is linked (ENC-DOP-05)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        await plain_dataset(context, transaction, input.dataset_uuid)

        async def work() -> dict[str, Any]:
            return {"rows": [str(row.uuid) for row in await _link(context, transaction, input)]}

        done = await run_once(context, transaction, "linkItemsToDataset", input, work)
        rows = await catalog.find_data_rows(transaction, [UUID(uuid) for uuid in done["rows"]])
    return LinkItemsToDatasetOutcome(dataset_uuid=input.dataset_uuid, data_rows=rows)


@dataclass(frozen=True, slots=True)
class UnlinkItemsFromDatasetOutcome(Outcome):
    """Outcome of `unlinkItemsFromDataset`."""

    dataset_uuid: UUID | None = None
    removed_data_rows_count: int | None = None


@requires("USER on the dataset")
async def unlink_items_from_dataset(
    context: Context, input: UnlinkItemsFromDatasetInput
) -> UnlinkItemsFromDatasetOutcome:
    """Let a dataset use items no more; if it does not use one of them, all stay (ENC-DOP-06)."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        await plain_dataset(context, transaction, input.dataset_uuid)
        linked = await catalog.linked_items(transaction, input.dataset_uuid, input.item_uuids)
        check_ids_exist(input.item_uuids, linked, "item in the dataset", "itemUuids")
        gone = await catalog.unlink_items(
            transaction, context.viewer.user_uuid, input.dataset_uuid, input.item_uuids
        )
    return UnlinkItemsFromDatasetOutcome(
        dataset_uuid=input.dataset_uuid, removed_data_rows_count=gone
    )


async def _backing_folder(
    context: Context, transaction: Transaction, input: CreateDatasetInput, title: str
) -> UUID | None:
    if input.create_backing_folder:
        return await create_folder(transaction, context.viewer.user_uuid, title)
    if input.backing_folder_uuid and await mirror_dataset_of(
        transaction, input.backing_folder_uuid
    ):
        raise conflict("Another dataset mirrors this folder.", "backingFolderUuid")
    return input.backing_folder_uuid


async def plain_dataset(context: Context, transaction: Transaction, uuid: UUID) -> None:
    """The viewer may edit the dataset, which mirrors no folder and is held until the transaction ends."""
    await require_dataset_role(context, transaction, uuid, StorageUserRole.USER, "datasetUuid")
    present = await locked_row(transaction, DatasetRecord, uuid, "dataset", "datasetUuid")
    if present.backing_folder_uuid:
        raise conflict(
            "This dataset mirrors a folder: put items there, or take them away.", "datasetUuid"
        )


async def _link(
    context: Context, transaction: Transaction, input: LinkItemsToDatasetInput
) -> list[DataRowRecord]:
    errors = await item_role_errors(
        context, transaction, input.item_uuids, StorageUserRole.VIEWER, "itemUuids"
    )
    present = {row.uuid: row for row in await locked_items(transaction, input.item_uuids)}
    linked = await catalog.linked_items(transaction, input.dataset_uuid, input.item_uuids)
    _check_links(input, present, linked, errors)
    skipped = linked if input.duplicates_behavior is DatasetLinkDuplicatesBehavior.SKIP else ()
    new = [uuid for uuid in input.item_uuids if uuid not in skipped]
    return await link_items(transaction, context.viewer.user_uuid, input.dataset_uuid, new)


def _check_links(
    input: LinkItemsToDatasetInput,
    present: Mapping[UUID, Any],
    linked: set[UUID],
    errors: dict[int, DomainError],
) -> None:
    fails = input.duplicates_behavior is DatasetLinkDuplicatesBehavior.FAIL
    for place, uuid in enumerate(input.item_uuids):
        if place in errors:
            continue
        if uuid not in present:
            errors[place] = not_found(
                "item", "itemUuids", place
            )  # removed since the roles were read
        elif present[uuid].is_placeholder or present[uuid].is_tombstone:
            errors[place] = conflict("This item is not yet processed, or gone.", "itemUuids", place)
        elif fails and uuid in linked:
            errors[place] = conflict("The dataset uses this item already.", "itemUuids", place)
    if errors:
        raise DomainErrors([errors[place] for place in sorted(errors)])
