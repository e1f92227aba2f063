"""Upload jobs and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import JobStatus
from gateway.scalars import BigInt
from resolvers import datasets, items, jobs, uploads
from schema.common import Connection, Node
from schema.datasets import Dataset
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.jobs import Job

if TYPE_CHECKING:
    from schema.items import StorageItem
    from schema.syncs import CloudSyncJob


@row_type()
@strawberry.type(description="An item that an upload job created or matched.")
class UploadedItem:
    item_uuid: UUID = column("The item's UUID.")
    item_id: strawberry.ID = resolved(items.id_of_named, "The item's global ID.")
    name: str = column("The item's name.")
    data_row_uuid: UUID | None = column(
        "The UUID of the data row by which the job's dataset uses the item. Null if the job has "
        "no dataset or the viewer cannot see it."
    )
    data_row_id: strawberry.ID | None = resolved(
        datasets.id_of_named_row, "The global ID of that data row, and null whenever its UUID is."
    )


@row_type()
@strawberry.type(description="A failed unit of an upload job.")
class UploadUnitError:
    object_urls: list[str] = resolved(
        uploads.urls_of,
        "URLs of the unit's files, in order; at most 10,000. Files that were uploaded have none and "
        "are left out.",
    )
    error: str = column("The reason for the failure, including which file caused it.")
    unit_uuid: UUID = resolved(uploads.unit_uuid_of, "The unit's UUID.")
    unit_id: strawberry.ID = resolved(uploads.unit_id_of, "The unit's global ID.")
    action_description: str = resolved(uploads.action_of, "The step that failed; empty if unknown.")


@row_type()
@strawberry.type(
    description="A unit of an upload job: one file, or one group of files, that becomes one item."
)
class UploadUnit(Node):
    id: strawberry.ID = resolved(uploads.unit_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The unit's UUID.")
    position: int = column("Position of the unit in the job, counted from 0.")
    status: JobStatus = resolved(uploads.unit_status, "The state of the unit.")
    title: str | None = column("The requested name of the item; null if none was given.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        uploads.item_of,
        "The item, which is a placeholder until the unit is done. Null if there is none (yet) or "
        "the viewer cannot see it.",
    )
    error: str | None = resolved(
        uploads.unit_error,
        "The reason for the failure, including which file caused it. For a pending unit, the "
        "reason why it must be retried. Null if nothing failed.",
    )
    action_description: str | None = resolved(
        uploads.unit_action,
        "The step that failed. For a pending unit, what it is waiting for before the next try. "
        "Null if nothing failed.",
    )
    object_urls: list[str] = resolved(
        uploads.urls_of,
        "URLs of the unit's files, in order; at most 10,000. Files that were uploaded have none and "
        "are left out.",
    )
    placeholder_uuids: list[UUID] = resolved(
        uploads.placeholders_of_unit,
        "UUIDs of the placeholders of the unit's files, in order; at most 10,000. Each has become "
        "an item, or part of one, once the unit is done, and is deleted if it fails.",
    )
    is_skipped: bool = column(
        "Whether no item was created because the folder already had an item for the same URL."
    )
    sequence: BigInt = resolved(
        uploads.unit_sequence, "The job's sequence number at the unit's last change."
    )


@row_type()
@strawberry.type(
    description="A job that turns uploaded files and files at URLs into items. A job that is "
    "`DONE` may have failed units: check the counts as well as `status`."
)
class UploadJob(Job):
    folder: StorageFolder = resolved(jobs.own_folder_of, "The folder that receives the items.")
    dataset: Dataset | None = resolved(
        uploads.dataset_of,
        "The dataset that the items are linked to. Null if there is none or the viewer cannot "
        "see it.",
    )
    cloud_sync_job: Annotated[CloudSyncJob, strawberry.lazy("schema.syncs")] | None = resolved(
        uploads.sync_of, "The sync that the job belongs to; null for other jobs."
    )
    file_name: str | None = column("The name of the manifest file; null if there was none.")
    ignore_errors: bool = column("Whether the job continues when a unit fails.")
    items_with_names: list[UploadedItem] = resolved(
        uploads.uploaded_items,
        "The items created or matched so far that the viewer can see; at most 10,000. `units` "
        "lists all of them.",
    )
    unit_errors: list[UploadUnitError] = resolved(
        uploads.unit_errors,
        "The failed units with their errors; at most 10,000. `units(statuses: [ERROR])` lists "
        "all of them.",
    )
    units: Connection[UploadUnit] = resolved(uploads.units_of, "The job's units, in input order.")


@row_type()
@strawberry.type(description="A page of upload jobs.")
class UploadJobConnection(Connection[UploadJob]):
    """Page of upload jobs, a class of its own so that folders can refer to it lazily."""
