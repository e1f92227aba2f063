"""How syncs of folders with their buckets answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

import strawberry

from gateway.auth.visible import sees_sync
from gateway.catalog.syncs import topic_of
from gateway.context import Context
from gateway.events.streams import Event
from gateway.execution.declarations import Derived, Lookup, ToMany, ToOne
from gateway.ids import global_id
from gateway.kinds import CloudSyncJobStatus
from gateway.models.folders import folders
from gateway.models.people import users
from gateway.models.syncs import cloud_sync_jobs
from gateway.models.uploads import upload_jobs
from resolvers.orders import newest_first
from resolvers.watching import Watched, watch

id_of = Derived(("uuid",), lambda row: global_id("CloudSyncJob", row.uuid))
sync_by_uuid = ToOne(cloud_sync_jobs, "cloud_sync_job_uuid", access=sees_sync)
sync_asked_for = Lookup(sync_by_uuid, "uuid", "The sync's uuid.")
folder_of = ToOne(folders, "folder_uuid")
user_of = ToOne(users, "user_uuid")
has_unit_errors = Derived(("upload_jobs_units_error",), lambda row: row.upload_jobs_units_error > 0)
skipped_keys_of = Derived(("skipped_keys",), lambda row: row.skipped_keys)
upload_jobs_of = ToMany(
    "cloudSyncUploadJobs",
    upload_jobs,
    newest_first(upload_jobs.c.created_at, upload_jobs.c.uuid),
    key="uuid",
    parent=upload_jobs.c.cloud_sync_job_uuid,
)
_WATCHED = Watched("sync", sync_by_uuid, topic_of, frozenset(CloudSyncJobStatus) - {CloudSyncJobStatus.PENDING})


async def watch_sync(
    context: Context,
    *,
    uuid: Annotated[UUID, strawberry.argument(description="The sync.")],
    after: Annotated[
        int | None,
        strawberry.argument(
            description="A sequence number that the client has seen: nothing is sent before a later one."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """The present state of a sync, then each change, at most ten a second and the last always; ends with the sync.

    States are coalesced, never replayed. It ends with an error if the folder is deleted or the viewer may no longer see
    it (ENC-FOLDEROP-36).
    """
    async with aclosing(watch(context, _WATCHED, uuid, after)) as states:
        async for state in states:
            yield state
