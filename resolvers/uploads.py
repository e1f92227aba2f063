"""How upload jobs and their units answer."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_dataset, sees_item, sees_job
from gateway.catalog.ingestion.job_state import TERMINAL, upload_job_topic
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
from gateway.kinds.enums import JobStatus
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from gateway.models.syncs import cloud_sync_jobs
from gateway.models.uploads import upload_jobs, upload_units
from resolvers.filters import job_conditions
from resolvers.job_subscriptions import WatchedJob, job_subscription
from resolvers.orders import in_sequence, newest_first

MAX_LISTED = 10_000
"""How far the lists of a job go that are no pages."""


def _unit_conditions(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    after, statuses = asked.arguments["changed_after"], asked.arguments["statuses"]
    conditions = [] if after is None else [upload_units.c.sequence > after]
    return [*conditions, upload_units.c.status.in_(statuses)] if statuses else conditions


def object_urls(unit: Any) -> list[str]:
    """The URLs that a unit was told to read, in order (ENC-UERR-01)."""
    return [source["object_url"] for source in unit.spec["sources"] if source["object_url"]]


id_of = Computed((upload_jobs.c.uuid,), lambda row: global_id("UploadJob", row.uuid))
job_by_uuid = ToOne(upload_jobs, "upload_job_uuid", access=sees_job)
_WATCHED = WatchedJob("upload job", job_by_uuid, upload_job_topic, TERMINAL)
job_lookup = Lookup(job_by_uuid, "uuid", "The job's uuid.")
folder_of = ToOne(folders, upload_jobs.c.folder_uuid)
sync_of = ToOne(cloud_sync_jobs, upload_jobs.c.cloud_sync_job_uuid)
user_of = ToOne(users, upload_jobs.c.user_uuid)
dataset_of = ToOne(datasets, upload_jobs.c.dataset_uuid, access=sees_dataset)
item_of = ToOne(items, upload_units.c.item_uuid, access=sees_item)
urls_of = Computed((upload_units.c.spec,), object_urls)
unit_uuid_of = Computed((upload_units.c.uuid,), lambda unit: unit.uuid)
action_of = Computed(
    (upload_units.c.action_description,), lambda unit: unit.action_description or ""
)
part_url = Computed(("request",), lambda part: part.request.url)
part_method = Computed(("request",), lambda part: part.request.method)
part_headers = Computed(("request",), lambda part: part.request.headers)
part_expiry = Computed(("request",), lambda part: part.request.expires_at)
visible_jobs = ToMany(
    "uploadJobs",
    upload_jobs,
    newest_first(upload_jobs.c.created_at, upload_jobs.c.uuid),
    where=job_conditions,
)
units_of = ToMany(
    "uploadUnits",
    upload_units,
    in_sequence(upload_units.c.position, upload_units.c.uuid),
    key=upload_jobs.c.uuid,
    parent=upload_units.c.job_uuid,
    where=_unit_conditions,
    arguments=(
        Argument(
            "changed_after",
            int | None,
            None,
            "Only units changed after this sequence number of the job.",
        ),
        Argument(
            "statuses",
            list[JobStatus] | None,
            None,
            "Only units in these states; null and an empty list mean all.",
        ),
    ),
)


async def _uploaded(context: Context, keys: list[UUID]) -> list[list[Any]]:
    statement = (
        sa.select(
            upload_units.c.job_uuid,
            upload_units.c.position,
            items.c.uuid.label("item_uuid"),
            items.c.name,
            _data_row(context).label("data_row_uuid"),
        )
        .join(items, items.c.uuid == upload_units.c.item_uuid)
        .join(upload_jobs, upload_jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            in_keys(upload_units.c.job_uuid, keys),
            upload_units.c.status == JobStatus.DONE,
            sees_item(context.viewer),
        )
    )
    return await _by_job(context, statement, keys)


def _data_row(context: Context) -> sa.ScalarSelect[Any]:
    """The first data row by which the job's dataset uses an item, if the viewer sees that."""
    used = sa.select(data_rows.c.uuid).join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
    mine = used.where(
        data_rows.c.item_uuid == items.c.uuid,
        data_rows.c.dataset_uuid == upload_jobs.c.dataset_uuid,
        sees_dataset(context.viewer),
    )
    return mine.order_by(data_rows.c.uuid).limit(1).correlate(items, upload_jobs).scalar_subquery()


async def _failed(context: Context, keys: list[UUID]) -> list[list[Any]]:
    mine = in_keys(upload_units.c.job_uuid, keys)
    return await _by_job(
        context, sa.select(upload_units).where(mine, upload_units.c.status == JobStatus.ERROR), keys
    )


async def _messages(context: Context, keys: list[UUID]) -> list[list[str]]:
    return [[unit.error for unit in units] for units in await _failed(context, keys)]


async def _by_job(context: Context, statement: sa.Select[Any], keys: list[UUID]) -> list[list[Any]]:
    """The rows of each job in the order of its units, as far as a list may go."""
    place = sa.func.row_number().over(
        partition_by=upload_units.c.job_uuid, order_by=upload_units.c.position
    )
    ranked = statement.add_columns(place.label("place")).subquery()
    chosen = sa.select(ranked).where(ranked.c.place <= MAX_LISTED).order_by(ranked.c.position)
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await context.database.rows(chosen):
        found[row.job_uuid].append(row)
    return [found[key] for key in keys]


uploaded_items = Batch((upload_jobs.c.uuid,), _uploaded)
unit_errors = Batch((upload_jobs.c.uuid,), _failed)
error_messages = Batch((upload_jobs.c.uuid,), _messages)

watch_upload_job = job_subscription(
    _WATCHED,
    """The present state of a job, then each change, at most ten a second and the last always; ends with the job.

States are coalesced, never replayed: `units(changedAfter:)` shows what was missed. It ends with an error if the job
is deleted or the viewer may no longer see it.""",
)
