"""Syncs of cloud-synced folders: how they are resolved, and the subscription to one."""

from gateway.auth.visibility import sees_sync
from gateway.catalog.sync_jobs import sync_job_topic
from gateway.execution.declarations import Computed, Lookup, ToMany, ToOne
from gateway.kinds.enums import CloudSyncJobStatus
from gateway.models.folders import folders
from gateway.models.people import users
from gateway.models.syncs import CloudSyncJobRecord, cloud_sync_jobs, skipped_objects
from gateway.models.uploads import upload_jobs
from resolvers.global_ids import id_from
from resolvers.job_subscriptions import WatchedJob, job_subscription
from resolvers.orders import in_sequence, newest_first

id_of = id_from("CloudSyncJob", cloud_sync_jobs.c.uuid)
sync_by_uuid = ToOne(cloud_sync_jobs, "cloud_sync_job_uuid", access=sees_sync)
sync_lookup = Lookup(sync_by_uuid, "uuid", "UUID of the sync.")
folder_of = ToOne(folders, cloud_sync_jobs.c.folder_uuid)
user_of = ToOne(users, cloud_sync_jobs.c.user_uuid)
has_unit_errors = Computed(
    (cloud_sync_jobs.c.upload_jobs_units_error,), lambda row: row.upload_jobs_units_error > 0
)
skipped_keys_of = Computed((cloud_sync_jobs.c.skipped_keys,), lambda row: row.skipped_keys)
sidecar_error_keys_of = Computed(
    (cloud_sync_jobs.c.sidecar_error_keys,), lambda row: row.sidecar_error_keys
)
skipped_objects_of = ToMany(
    "skippedObjects",
    skipped_objects,
    in_sequence(skipped_objects.c.key, skipped_objects.c.uuid),
    key=cloud_sync_jobs.c.uuid,
    parent=skipped_objects.c.job_uuid,
)


def _notice(row: CloudSyncJobRecord) -> str | None:
    """Return what deserves attention about a sync that is done with its listing."""
    if row.listed_count or row.scan_pages_processing_pending or not row.scan_pages_processing_done:
        return None
    return (
        "The bucket has no objects whose keys begin with the folder's prefix. Check its spelling: "
        "keys are case-sensitive."
    )


notice_of = Computed(
    (
        cloud_sync_jobs.c.listed_count,
        cloud_sync_jobs.c.scan_pages_processing_pending,
        cloud_sync_jobs.c.scan_pages_processing_done,
    ),
    _notice,
)
upload_jobs_of = ToMany(
    "cloudSyncUploadJobs",
    upload_jobs,
    newest_first(upload_jobs.c.created_at, upload_jobs.c.uuid),
    key=cloud_sync_jobs.c.uuid,
    parent=upload_jobs.c.cloud_sync_job_uuid,
)
_WATCHED = WatchedJob(
    "sync",
    sync_by_uuid,
    sync_job_topic,
    frozenset(CloudSyncJobStatus) - {CloudSyncJobStatus.PENDING},
)

watch_sync = job_subscription(
    _WATCHED,
    """The current state of a sync, then its state after changes, and its final state.

At most ten states are sent per second, and changes in between are merged. The subscription ends
when the sync has ended, or with an error if the folder is deleted or the viewer can no longer
see it.""",
)
