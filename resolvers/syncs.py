"""Syncs of cloud-synced folders: how they are resolved, and the subscription to one."""

from gateway.auth.job_visibility import sees_sync
from gateway.auth.visibility import is_staying
from gateway.execution.declarations import Computed, Lookup, ToMany, ToOne
from gateway.models.jobs import JobRecord, jobs
from gateway.models.syncs import skipped_objects
from resolvers.job_subscriptions import job_subscription
from resolvers.orders import in_sequence, newest_first

sync_by_uuid = ToOne(jobs, "cloud_sync_job_uuid", access=sees_sync)
sync_lookup = Lookup(sync_by_uuid, "uuid", "UUID of the sync.")
units_pending = Computed((jobs.c.units_pending_count,), lambda row: row.units_pending_count)
units_done = Computed((jobs.c.units_done_count,), lambda row: row.units_done_count)
units_error = Computed((jobs.c.units_error_count,), lambda row: row.units_error_count)
units_cancelled = Computed((jobs.c.units_cancelled_count,), lambda row: row.units_cancelled_count)
has_unit_errors = Computed((jobs.c.units_error_count,), lambda row: row.units_error_count > 0)
skipped_keys_of = Computed((jobs.c.skipped_keys,), lambda row: row.skipped_keys or [])
sidecar_error_keys_of = Computed(
    (jobs.c.sidecar_error_keys,), lambda row: row.sidecar_error_keys or []
)
skipped_objects_of = ToMany(
    "skippedObjects",
    skipped_objects,
    in_sequence(skipped_objects.c.key, skipped_objects.c.uuid),
    key=jobs.c.uuid,
    parent=skipped_objects.c.job_uuid,
)


def _notice(row: JobRecord) -> str | None:
    """Return what deserves attention about a sync that is done with its listing."""
    if row.listed_count or row.scan_pages_processing_pending or not row.scan_pages_processing_done:
        return None
    return (
        "The bucket has no objects whose keys begin with the folder's prefix. Check its spelling: "
        "keys are case-sensitive."
    )


notice_of = Computed(
    (
        jobs.c.listed_count,
        jobs.c.scan_pages_processing_pending,
        jobs.c.scan_pages_processing_done,
    ),
    _notice,
)
upload_jobs_of = ToMany(
    "cloudSyncUploadJobs",
    jobs,
    newest_first(jobs.c.created_at, jobs.c.uuid),
    key=jobs.c.uuid,
    parent=jobs.c.cloud_sync_job_uuid,
    where=lambda _query: [is_staying(jobs.c.folder_uuid)],
)

watch_sync = job_subscription(
    "sync",
    sync_by_uuid,
    """The current state of a sync, then its state after changes, and its final state.

At most ten states are sent per second, and changes in between are merged. The subscription ends
when the sync has ended, or with an error if the folder is deleted or the viewer can no longer
see it.""",
)
