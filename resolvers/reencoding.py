"""Re-encoding jobs, their units and renditions: how they are resolved."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.job_visibility import sees_reencode_job, sees_reencode_unit
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import (
    Argument,
    Lookup,
    ToMany,
    ToOne,
    batch,
)
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.kinds.enums import ReencodeUnitStatus
from gateway.kinds.item_kinds import StorageItemType, item_type_of_file
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.reencoding import reencode_units, renditions
from gateway.stores.base import SignedRequest
from resolvers.global_ids import id_from
from resolvers.identity import is_restricted
from resolvers.job_subscriptions import job_subscription
from resolvers.orders import in_sequence, newest_first
from resolvers.signed_files import Disposition
from resolvers.signed_urls import Lifetime, bounds_of, lifetime_of

unit_id_of = id_from("ReencodeUnit", reencode_units.c.uuid)
unit_by_uuid = ToOne(reencode_units, "unit_uuid", access=sees_reencode_unit)
job_by_uuid = ToOne(jobs, "reencode_job_uuid", access=sees_reencode_job)
job_lookup = Lookup(job_by_uuid, "uuid", "UUID of the job.")
rendition_id_of = id_from("VideoRendition", renditions.c.item_uuid)
rendition_of = ToOne(renditions, items.c.uuid, renditions.c.item_uuid)
visible_jobs = ToMany(
    "reencodeJobs",
    jobs,
    newest_first(jobs.c.created_at, jobs.c.uuid),
    where=lambda query: [sees_reencode_job(query.viewer)],
    fixed=(jobs.c.kind,),
)
units_of = ToMany(
    "reencodeUnits",
    reencode_units,
    in_sequence(reencode_units.c.position, reencode_units.c.uuid),
    key=jobs.c.uuid,
    parent=reencode_units.c.job_uuid,
    where=lambda query: (
        [reencode_units.c.status.in_(query.arguments["statuses"])]
        if query.arguments["statuses"]
        else []
    ),
    arguments=(
        Argument(
            "statuses",
            list[ReencodeUnitStatus] | None,
            None,
            "Only units in these states; all if null or empty.",
        ),
    ),
)


class VideoName(NamedTuple):
    """A video's UUID and name, and whether its bytes are kept from the viewer."""

    uuid: UUID
    name: str
    is_restricted: bool


@batch(renditions.c.item_uuid, renditions.c.object_key, renditions.c.mime_type, work=5)
async def signed_url_of(
    context: Context,
    keys: list[tuple[UUID, str, str]],
    *,
    lifetime: Lifetime = None,
    disposition: Disposition = SignedUrlDisposition.ATTACHMENT,
) -> list[SignedRequest | None]:
    """Sign URLs of renditions, which download as files with the extension of their own type.

    None for those whose video is restricted.
    """
    span = lifetime_of(context, lifetime)
    restricted = is_restricted.expression(context.viewer).label("is_restricted")
    selected = sa.select(items.c.uuid, items.c.name, restricted).where(
        in_keys(items.c.uuid, {uuid for uuid, _, _ in keys})
    )
    videos = {row.uuid: row for row in await context.database.rows(selected, VideoName)}
    store = context.services.store
    signed: list[SignedRequest | None] = []
    for uuid, key, mime_type in keys:
        if videos[uuid].is_restricted:
            signed.append(None)
            continue
        name = videos[uuid].name
        is_video = item_type_of_file(name) is StorageItemType.VIDEO
        stem = name.rpartition(".")[0] if is_video else name
        file_name = f"{stem or name}.{mime_type.rpartition('/')[2]}"
        signed.append(
            await store.sign_get(
                key,
                file_name,
                mime_type,
                span,
                is_inline=disposition is SignedUrlDisposition.INLINE,
                bounds=bounds_of(context),
            )
        )
    return signed


watch_reencode = job_subscription(
    "re-encoding job",
    job_by_uuid,
    """The current state of a re-encoding job, then its state after changes, and its final state.

At most ten states are sent per second, and changes in between are merged. The subscription ends
when the job has ended, or with an error if it is deleted or the viewer can no longer see it.""",
)
