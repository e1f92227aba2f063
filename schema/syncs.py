"""Syncs of folders with the buckets that they mirror."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import CloudSyncJobStatus
from resolvers import syncs
from resolvers.inputs.scalars import BigInt
from schema.common import Connection, Node
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.people import User
from schema.uploads import UploadJobConnection


@of()
@strawberry.type(
    description="A sync of a linked folder (ENC-SYNC). Look at counts, not only at the status: a sync that is DONE may "
    "have had files that failed."
)
class CloudSyncJob(Node):
    id: strawberry.ID = resolved(syncs.id_of, "The opaque id.")
    uuid: UUID = column("The sync's uuid.")
    folder: StorageFolder = resolved(syncs.folder_of, "The folder that is synced.")
    user: User | None = resolved(syncs.user_of, "Who started it; null if nobody did.")
    status: CloudSyncJobStatus = column("Whether it is finished, and how.")
    is_dry_run: bool = column("Whether it only counts, and changes nothing.")
    error: str | None = column(
        "Why the bucket could not be listed to its end; start another sync then (SUB-072)."
    )
    sequence: BigInt = column("A number that grows with each change of the sync.")
    scan_pages_processing_pending: int = column(
        "Pages of the bucket's listing that wait: 1 until the last was done."
    )
    scan_pages_processing_done: int = column("Pages that were compared with the folder.")
    scan_pages_processing_error: int = column(
        "Pages that could not be had: 1 if the sync failed by that."
    )
    scan_pages_processing_cancelled: int = column("Pages that were given up.")
    upload_jobs_pending: int = column(
        "Its upload jobs that run: there is one for each page with something to read."
    )
    upload_jobs_done: int = column("Its upload jobs that have ended.")
    upload_jobs_error: int = column("Its upload jobs that failed as a whole.")
    upload_jobs_units_pending: int = column("Files that wait to be read.")
    upload_jobs_units_done: int = column("Files that were read.")
    upload_jobs_units_error: int = column(
        "Files that could not be read; they are tried again by the next sync."
    )
    upload_jobs_units_cancelled: int = column("Files that were given up.")
    has_unit_errors: bool = resolved(
        syncs.has_unit_errors, "Whether files could not be read (SUB-071)."
    )
    new_count: int = column("Objects for which there was no item.")
    changed_count: int = column("Objects that are others than when they were read.")
    unchanged_count: int = column(
        "Objects that are as they were: nothing is written for them, and nothing read."
    )
    vanished_count: int = column("Items that became tombstones, for their objects are gone.")
    returned_count: int = column("Tombstones whose objects are there again.")
    skipped_count: int = column(
        "Objects that are of no supported kind, empty, or without a place in a tree of folders."
    )
    skipped_keys: list[str] = resolved(
        syncs.skipped_keys_of, "The keys of the first of those, at most 100."
    )
    sidecars_attached_count: int = column(
        "Files of metadata that were attached to the items they lie beside."
    )
    sidecars_error_count: int = column(
        "Files of metadata that are no JSON objects of at most 256 KB, or do not fit the schema where it is enforced: "
        "they are not attached, and every sync tries and counts them again until they are good."
    )
    sidecar_error_keys: list[str] = resolved(
        syncs.sidecar_error_keys_of, "The keys of the first of those, at most 100."
    )
    created_at: datetime = column("When it was started.")
    last_edited_at: datetime = column("When it last changed.")
    finished_at: datetime | None = column("When it ended.")
    upload_jobs: UploadJobConnection = resolved(
        syncs.upload_jobs_of, "The upload jobs that read what it found, the newest first."
    )


@of()
@strawberry.type(description="A page of syncs.")
class CloudSyncJobConnection(Connection[CloudSyncJob]):
    """Named, so that folders can refer to it lazily."""
