"""How re-encoding jobs, their units and the versions that they make answer."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_reencode_job
from gateway.catalog.reencoding import reencode_job_topic
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import (
    Argument,
    Batch,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.ids import global_id
from gateway.kinds.enums import ReencodeJobStatus, ReencodeUnitStatus
from gateway.kinds.item_kinds import StorageItemType, item_type_of_file
from gateway.models.items import items
from gateway.models.reencoding import reencode_jobs, reencode_units, renditions
from resolvers.items import Lifetime, lifetime_of
from resolvers.job_subscriptions import WatchedJob, job_subscription
from resolvers.orders import in_sequence, newest_first


def _unit_conditions(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    statuses = asked.arguments["statuses"]
    return [reencode_units.c.status.in_(statuses)] if statuses else []


id_of = Computed((reencode_jobs.c.uuid,), lambda row: global_id("ReencodeJob", row.uuid))
job_by_uuid = ToOne(reencode_jobs, "reencode_job_uuid", access=sees_reencode_job)
job_lookup = Lookup(job_by_uuid, "uuid", "The job's uuid.")
rendition_of = ToOne(renditions, items.c.uuid, renditions.c.item_uuid)
visible_jobs = ToMany(
    "reencodeJobs",
    reencode_jobs,
    newest_first(reencode_jobs.c.created_at, reencode_jobs.c.uuid),
    where=lambda asked: [sees_reencode_job(asked.viewer)],
)
units_of = ToMany(
    "reencodeUnits",
    reencode_units,
    in_sequence(reencode_units.c.position, reencode_units.c.uuid),
    key=reencode_jobs.c.uuid,
    parent=reencode_units.c.job_uuid,
    where=_unit_conditions,
    arguments=(
        Argument(
            "statuses",
            list[ReencodeUnitStatus] | None,
            None,
            "Only units in these states; null and an empty list mean all.",
        ),
    ),
)
_WATCHED = WatchedJob(
    "re-encoding job",
    job_by_uuid,
    reencode_job_topic,
    frozenset(ReencodeJobStatus) - {ReencodeJobStatus.SUBMITTED},
)


async def _signed_urls(
    context: Context,
    keys: list[tuple[UUID, str, str]],
    *,
    lifetime: Lifetime = None,
) -> list[Any]:
    span: timedelta = lifetime_of(context, lifetime)
    mine = in_keys(items.c.uuid, {uuid for uuid, _, _ in keys})
    rows = await context.database.rows(sa.select(items.c.uuid, items.c.name).where(mine))
    names = {row.uuid: row.name for row in rows}
    store = context.services.store
    return [
        await store.sign_get(key, _named(names[uuid], mime), mime, span) for uuid, key, mime in keys
    ]


def _named(name: str, mime_type: str) -> str:
    """What a version of a video with that name is called: its ending is that of its own type."""
    stem = name.rpartition(".")[0] if item_type_of_file(name) is StorageItemType.VIDEO else name
    return f"{stem or name}.{mime_type.rpartition('/')[2]}"


signed_url_of = Batch(
    (renditions.c.item_uuid, renditions.c.object_key, renditions.c.mime_type), _signed_urls
)

watch_reencode = job_subscription(
    _WATCHED,
    """The present state of a re-encoding job, then each change, at most ten a second; ends with the job.""",
)
