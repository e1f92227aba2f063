"""Syncs of cloud-synced folders with their buckets."""

from __future__ import annotations

import strawberry

from gateway.kinds.enums import SkippedObjectReason
from gateway.scalars import BigInt
from resolvers import jobs, syncs
from schema.common import Connection
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.jobs import Job
from schema.uploads import UploadJobConnection


@row_type()
@strawberry.type(description="An object of a bucket that a sync did not mirror.")
class SkippedObject:
    key: str = column("The object's key.")
    reason: SkippedObjectReason = column("The reason why it was skipped.")


@row_type()
@strawberry.type(
    description="A sync of a cloud-synced folder with its bucket. A sync that is `DONE` may have "
    "failed files: check the counts as well as `status`."
)
class CloudSyncJob(Job):
    folder: StorageFolder = resolved(jobs.own_folder_of, "The synced folder.")
    is_dry_run: bool = column("Whether the sync only counts differences and changes nothing.")
    error: str | None = column(
        "The reason why the bucket could not be listed completely; null if there is none. Start "
        "another sync to try again. Files that could not be read are not among these errors: they "
        "are units of `uploadJobs`."
    )
    scan_pages_processing_pending: int = column(
        "Number of listing pages still to be read: 1 until the last page is done, then 0."
    )
    scan_pages_processing_done: int = column("Number of listing pages compared with the folder.")
    scan_pages_processing_error: int = column(
        "Number of listing pages that could not be read: 1 if this made the sync fail."
    )
    scan_pages_processing_cancelled: int = column("Number of listing pages that were cancelled.")
    upload_jobs_pending: int = column(
        "Number of upload jobs of the sync that are running. Each listing page with files to "
        "read has one."
    )
    upload_jobs_done: int = column("Number of upload jobs of the sync that have ended.")
    upload_jobs_error: int = column("Number of upload jobs of the sync that failed as a whole.")
    upload_jobs_units_pending: int = resolved(
        syncs.units_pending, "Number of files waiting to be read."
    )
    upload_jobs_units_done: int = resolved(syncs.units_done, "Number of files that were read.")
    upload_jobs_units_error: int = resolved(
        syncs.units_error,
        "Number of files that could not be read. The next sync tries them again.",
    )
    upload_jobs_units_cancelled: int = resolved(
        syncs.units_cancelled, "Number of files whose reading was cancelled."
    )
    has_unit_errors: bool = resolved(syncs.has_unit_errors, "Whether some files could not be read.")
    new_count: int = column("Number of objects that had no item yet.")
    changed_count: int = column("Number of objects that changed since they were last read.")
    unchanged_count: int = column(
        "Number of objects that have not changed; they are not read again."
    )
    vanished_count: int = column(
        "Number of items that became tombstones because their objects no longer exist."
    )
    returned_count: int = column("Number of tombstones whose objects exist again.")
    skipped_count: int = column("Number of objects that were skipped; `skippedObjects` says why.")
    skipped_keys: list[str] = resolved(
        syncs.skipped_keys_of, "Keys of the first skipped objects; at most 100."
    )
    skipped_objects: Connection[SkippedObject] = resolved(
        syncs.skipped_objects_of,
        "The first 100,000 skipped objects, by key. They are kept until the next sync of the "
        "folder.",
    )
    listed_count: BigInt = column(
        "Number of keys that the listing has returned, including those of sidecars."
    )
    notice: str | None = resolved(
        syncs.notice_of,
        "Something that deserves attention although the sync did not fail, such as that no key "
        "begins with the folder's prefix. Null if there is nothing to say.",
    )
    sidecars_attached_count: int = column(
        "Number of sidecars attached to the items that they describe."
    )
    sidecars_error_count: int = column(
        "Number of sidecars that could not be attached: not a JSON object of at most 256 KiB or, "
        "where the metadata schema is enforced, not matching it. Every sync tries them again."
    )
    sidecar_error_keys: list[str] = resolved(
        syncs.sidecar_error_keys_of,
        "Keys of the first sidecars that could not be attached; at most 100.",
    )
    upload_jobs: UploadJobConnection = resolved(
        syncs.upload_jobs_of, "The upload jobs that read the new and changed files, newest first."
    )


@row_type()
@strawberry.type(description="A page of syncs.")
class CloudSyncJobConnection(Connection[CloudSyncJob]):
    """Page of syncs, a class of its own so that folders can refer to it lazily."""
