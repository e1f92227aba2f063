"""Upload jobs, their units, and the targets to which clients send bytes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import JobStatus
from resolvers import uploads
from resolvers.inputs.scalars import BigInt
from schema.common import Connection, Node
from schema.datasets import Dataset
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.people import User

if TYPE_CHECKING:
    from schema.items import StorageItem
    from schema.syncs import CloudSyncJob


@of()
@strawberry.type(description="An item that a job made, in short (ENC-UNAME).")
class UploadedItem:
    item_uuid: UUID = column("The item's uuid.")
    name: str = column("The item's name.")
    data_row_uuid: UUID | None = column(
        "The data row by which the job's dataset uses it, if the viewer sees that."
    )


@of()
@strawberry.type(description="Why a unit of a job failed (ENC-UERR).")
class UploadUnitError:
    object_urls: list[str] = resolved(
        uploads.urls_of, "The URLs that it was told to read, no more than it has files."
    )
    error: str = column("What is wrong, and with which file.")
    subtask_uuid: UUID = resolved(uploads.unit_uuid_of, "The unit's uuid.")
    action_description: str = resolved(uploads.action_of, "What was being done.")


@of()
@strawberry.type(description="One item to be made by a job: a file, or a group of files.")
class UploadUnit:
    uuid: UUID = column("The unit's uuid.")
    position: int = column("Its place in the job, from 0.")
    status: JobStatus = column("What has become of it.")
    title: str | None = column("The name that was asked for the item.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        uploads.item_of, "The item: a placeholder until the unit is done."
    )
    error: str | None = column(
        "What is wrong, and with which file; of a unit that is pending, why it has to be tried again."
    )
    action_description: str | None = column(
        "What was being done when it failed; of a unit that is to be tried again, what it waits for."
    )
    object_urls: list[str] = resolved(
        uploads.urls_of, "The URLs that it was told to read, no more than it has files."
    )
    is_skipped: bool = column("Whether nothing was made, because the folder had its item already.")
    sequence: BigInt = column("The job's sequence number when the unit last changed.")


@of()
@strawberry.type(
    description="A job that makes items of uploaded files (ENC-UJOB). Look at counts, not only at the status."
)
class UploadJob(Node):
    id: strawberry.ID = resolved(uploads.id_of, "The opaque id.")
    uuid: UUID = column("The job's uuid.")
    folder: StorageFolder = resolved(uploads.folder_of, "The folder that the items go to.")
    user: User | None = resolved(uploads.user_of, "Who started it.")
    dataset: Dataset | None = resolved(
        uploads.dataset_of,
        "The dataset that is to use what it makes, if there is one and the viewer sees it.",
    )
    cloud_sync_job: Annotated[CloudSyncJob, strawberry.lazy("schema.syncs")] | None = resolved(
        uploads.sync_of, "The sync that it is part of."
    )
    status: JobStatus = column("Whether it is finished, and how.")
    sequence: BigInt = column("A number that grows with each change of the job.")
    file_name: str | None = column("The name of the manifest, if there was one.")
    ignore_errors: bool = column("Whether it goes on when a unit fails.")
    units_pending_count: int = column("Units that are not finished.")
    units_done_count: int = column("Units whose item is there.")
    units_error_count: int = column("Units that failed.")
    units_cancelled_count: int = column("Units that were given up.")
    created_at: datetime = column("When it was started.")
    last_edited_at: datetime = column("When it last changed.")
    finished_at: datetime | None = column("When it ended.")
    items_with_names: list[UploadedItem] = resolved(
        uploads.uploaded_items,
        "The items made or found so far that the viewer may see; at most 10,000: units lists them all.",
    )
    errors: list[str] = resolved(
        uploads.error_messages, "What went wrong, as plain text; at most 10,000."
    )
    unit_errors: list[UploadUnitError] = resolved(
        uploads.unit_errors, "What went wrong, by unit; at most 10,000."
    )
    units: Connection[UploadUnit] = resolved(
        uploads.units_of, "Its units, in the order in which they were given."
    )


@of()
@strawberry.type(description="A page of upload jobs.")
class UploadJobConnection(Connection[UploadJob]):
    """Named, so that folders can refer to it lazily."""
