"""Upload jobs and their units: how they are resolved, and the subscription to a job."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_dataset, sees_item, sees_unit, sees_upload_job
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
    batch,
)
from gateway.kinds.enums import JobStatus
from gateway.models.datasets import data_rows, datasets
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.scalars import BigInt
from resolvers.global_ids import id_from
from resolvers.job_subscriptions import job_subscription
from resolvers.orders import in_sequence, newest_first

JobRow = TypeVar("JobRow", "UploadedItemRow", UploadUnitRecord)
MAX_LISTED = 10_000
"""Entries of the lists of a job that are not paged."""


def _unit_conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of the arguments of a job's units."""
    after, statuses = query.arguments["changed_after"], query.arguments["statuses"]
    conditions = [] if after is None else [upload_units.c.sequence > after]
    return [*conditions, upload_units.c.status.in_(statuses)] if statuses else conditions


def object_urls(unit: UploadUnitRecord) -> list[str]:
    """Return the URLs of a unit's sources, in order, without those of uploaded files."""
    return [source["object_url"] for source in unit.spec["sources"] if source["object_url"]]


job_by_uuid = ToOne(jobs, "upload_job_uuid", access=sees_upload_job)
job_lookup = Lookup(job_by_uuid, "uuid", "UUID of the job.")
sync_of = ToOne(jobs, jobs.c.cloud_sync_job_uuid)
dataset_of = ToOne(datasets, jobs.c.dataset_uuid, access=sees_dataset)
item_of = ToOne(items, upload_units.c.item_uuid, access=sees_item)
urls_of = Computed((upload_units.c.spec,), object_urls)
unit_id_of = id_from("UploadUnit", upload_units.c.uuid)
unit_by_uuid = ToOne(upload_units, "unit_uuid", access=sees_unit)
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
    jobs,
    newest_first(jobs.c.created_at, jobs.c.uuid),
    where=lambda query: [sees_upload_job(query.viewer)],
    fixed=(jobs.c.kind,),
)
units_of = ToMany(
    "uploadUnits",
    upload_units,
    in_sequence(upload_units.c.position, upload_units.c.uuid),
    key=jobs.c.uuid,
    parent=upload_units.c.job_uuid,
    where=_unit_conditions,
    arguments=(
        Argument(
            "changed_after",
            BigInt | None,
            None,
            "Only units changed after this sequence number of the job.",
        ),
        Argument(
            "statuses",
            list[JobStatus] | None,
            None,
            "Only units in these states; all if null or empty.",
        ),
    ),
)


class UploadedItemRow(NamedTuple):
    """An item that a job created, and the first data row by which the job's dataset uses it."""

    job_uuid: UUID
    position: int
    item_uuid: UUID
    name: str
    data_row_uuid: UUID | None


@batch(jobs.c.uuid, work=200)
async def uploaded_items(context: Context, keys: list[UUID]) -> list[list[UploadedItemRow]]:
    """Load the items of the jobs' finished units, of those that the viewer can see."""
    first_data_row = (
        sa.select(data_rows.c.uuid)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(
            data_rows.c.item_uuid == items.c.uuid,
            data_rows.c.dataset_uuid == jobs.c.dataset_uuid,
            sees_dataset(context.viewer),
        )
        .order_by(data_rows.c.uuid)
        .limit(1)
        .correlate(items, jobs)
        .scalar_subquery()
    )
    statement = (
        sa.select(
            upload_units.c.job_uuid,
            upload_units.c.position,
            items.c.uuid.label("item_uuid"),
            items.c.name,
            first_data_row.label("data_row_uuid"),
        )
        .join(items, items.c.uuid == upload_units.c.item_uuid)
        .join(jobs, jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            in_keys(upload_units.c.job_uuid, keys),
            upload_units.c.status == JobStatus.DONE,
            sees_item(context.viewer),
        )
    )
    return await _rows_by_job(context, statement, keys, UploadedItemRow)


async def _failed_units(context: Context, keys: list[UUID]) -> list[list[UploadUnitRecord]]:
    statement = sa.select(upload_units).where(
        in_keys(upload_units.c.job_uuid, keys), upload_units.c.status == JobStatus.ERROR
    )
    return await _rows_by_job(context, statement, keys, UploadUnitRecord)


unit_errors = Batch((jobs.c.uuid,), _failed_units, work=200)


async def _rows_by_job(
    context: Context, statement: sa.Select[Any], keys: list[UUID], kind: type[JobRow]
) -> list[list[JobRow]]:
    """Return the rows of each job in the order of its units, at most `MAX_LISTED`."""
    rank = sa.func.row_number().over(
        partition_by=upload_units.c.job_uuid, order_by=upload_units.c.position
    )
    ranked = statement.add_columns(rank.label("rank")).subquery()
    selected = sa.select(ranked).where(ranked.c.rank <= MAX_LISTED).order_by(ranked.c.position)
    by_job: dict[UUID, list[JobRow]] = defaultdict(list)
    for row in await context.database.rows(selected, kind):
        by_job[row.job_uuid].append(row)
    return [by_job[key] for key in keys]


watch_upload_job = job_subscription(
    "upload job",
    job_by_uuid,
    """The current state of an upload job, then its state after changes, and its final state.

At most ten states are sent per second, and changes in between are merged; `units(changedAfter:)`
returns the units that changed. The subscription ends when the job has ended, or with an error if
the job is deleted or the viewer can no longer see it.""",
)
