"""Upload jobs and their units: how they are resolved, and the subscription to a job."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.job_visibility import sees_unit, sees_upload_job
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_dataset, sees_item
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.bound_values import AS_IS
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
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
from gateway.execution.keysets import KEYS
from gateway.kinds.enums import JobStatus
from gateway.models.datasets import data_rows, datasets
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.uploads import upload_units
from gateway.scalars import BigInt
from resolvers.global_ids import id_from
from resolvers.identity import restricted_unit
from resolvers.job_subscriptions import job_subscription
from resolvers.orders import in_sequence, newest_first

JobRow = TypeVar("JobRow", "UploadedItemRow", "FailedUnit")
_later = upload_units.alias("later")
MAX_LISTED = 10_000
"""Entries of the lists of a job that are not paged."""


_is_running = jobs.c.status == JobStatus.PENDING
_has_units_to_cancel = (
    sa.exists()
    .where(_later.c.job_uuid == jobs.c.uuid, _later.c.status == JobStatus.PENDING)
    .correlate(jobs)
)


def _unit_conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of the arguments of a job's units.

    Units that are stored as pending were cancelled if the job has ended: with its last change. The
    conditions are written in such a way that indexes serve them.
    """
    after, statuses = query.arguments["changed_after"], query.arguments["statuses"]
    stored, sequence = upload_units.c.status, upload_units.c.sequence
    conditions: list[sa.ColumnElement[bool]] = []
    if after is not None:
        cancels = sa.and_(~_is_running, jobs.c.sequence > after, _has_units_to_cancel)
        least = sa.case((cancels, sa.literal(0, sequence.type)), else_=after)
        changed = sa.or_(sequence > after, stored == JobStatus.PENDING)
        conditions += [sequence > least, changed]
    if statuses:
        waits, cancelled = JobStatus.PENDING in statuses, JobStatus.CANCELLED in statuses
        wanted: sa.ColumnElement[bool] = stored.in_(statuses)
        if waits != cancelled:
            pending = sa.literal(JobStatus.PENDING, stored.type)
            counts = sa.case((_is_running if waits else ~_is_running, pending))
            ended = [status for status in statuses if status != JobStatus.PENDING]
            wanted = sa.or_(stored == counts, *([stored.in_(ended)] if ended else ()))
        conditions.append(wanted)
    return conditions


def _unit_column(column: sa.Column[Any], when_cancelled: Callable[[int], Any]) -> Batch:
    """Declare a column of units, and its value for those that were cancelled.

    Units that are stored as pending were cancelled if the job has ended; the value is a function of
    its sequence.
    """

    async def load(context: Context, keys: list[tuple[Any, ...]]) -> list[Any]:
        waiting = {key[0] for key in keys if key[1] == JobStatus.PENDING}
        found = await asyncio.gather(
            *(context.loaders.load("ended jobs", job, partial(_ended, context)) for job in waiting)
        )
        ended = dict(zip(waiting, found, strict=True))
        return [
            key[-1]
            if key[1] != JobStatus.PENDING or ended[key[0]] is None
            else when_cancelled(ended[key[0]])
            for key in keys
        ]

    return Batch((upload_units.c.job_uuid, upload_units.c.status, column), load)


class EndedJob(NamedTuple):
    """A job that has ended, and its sequence number."""

    uuid: UUID
    sequence: int


_ended_jobs = KeptStatement(
    lambda _viewer: sa.select(jobs.c.uuid, jobs.c.sequence).where(
        in_bound_keys(jobs.c.uuid, KEYS), ~_is_running
    ),
    EndedJob,
)


async def _ended(context: Context, keys: list[UUID]) -> list[int | None]:
    """Return the sequences of those jobs that have ended, and None for others."""
    rows = await _ended_jobs.rows(context.database, context.viewer, keys)
    sequences = {row.uuid: row.sequence for row in rows}
    return [sequences.get(key) for key in keys]


def object_urls(unit: Any) -> list[str]:
    """Return the URLs of a unit's sources, in order, without those of uploaded files.

    There are none where they would give bytes that are kept from the viewer.
    """
    sources = () if unit.is_restricted else unit.spec["sources"]
    return [source["object_url"] for source in sources if source["object_url"]]


def placeholder_uuids(unit: Any) -> list[UUID]:
    """Return the UUIDs of the placeholders of a unit's sources that have one, in order.

    An entry of a manifest that could not be read has sources with a URL alone.
    """
    uuids = (source.get("item_uuid") for source in unit.spec["sources"])
    return [UUID(hex=uuid) for uuid in uuids if uuid]


job_by_uuid = ToOne(jobs, "upload_job_uuid", access=sees_upload_job)
job_lookup = Lookup(job_by_uuid, "uuid", "UUID of the job.")
sync_of = ToOne(jobs, jobs.c.cloud_sync_job_uuid)
dataset_of = ToOne(datasets, jobs.c.dataset_uuid, access=sees_dataset)
item_of = ToOne(items, upload_units.c.item_uuid, access=sees_item)
urls_of = Computed((upload_units.c.spec, restricted_unit), object_urls)
placeholders_of_unit = Computed((upload_units.c.spec,), placeholder_uuids)
unit_id_of = id_from("UploadUnit", upload_units.c.uuid)
unit_by_uuid = ToOne(upload_units, "unit_uuid", access=sees_unit)
unit_uuid_of = Computed((upload_units.c.uuid,), lambda unit: unit.uuid)
unit_status = _unit_column(upload_units.c.status, lambda _: JobStatus.CANCELLED)
unit_error = _unit_column(upload_units.c.error, lambda _: None)
unit_action = _unit_column(upload_units.c.action_description, lambda _: None)
unit_sequence = _unit_column(upload_units.c.sequence, lambda sequence: sequence)
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
    source=upload_units.join(jobs, jobs.c.uuid == upload_units.c.job_uuid),
    where=_unit_conditions,
    arguments=(
        Argument(
            "changed_after",
            BigInt | None,
            None,
            "Only units changed after this sequence number of the job.",
            AS_IS,
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


@kept_statement(UploadedItemRow)
def items_of_jobs(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the items of the jobs' finished units."""
    first_data_row = (
        sa.select(data_rows.c.uuid)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(
            data_rows.c.item_uuid == items.c.uuid,
            data_rows.c.dataset_uuid == jobs.c.dataset_uuid,
            sees_dataset(viewer),
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
            in_bound_keys(upload_units.c.job_uuid, KEYS),
            upload_units.c.status == JobStatus.DONE,
            sees_item(viewer),
        )
    )
    return _first_units(statement)


@batch(jobs.c.uuid, work=200)
async def uploaded_items(context: Context, keys: list[UUID]) -> list[list[UploadedItemRow]]:
    """Load the items of the jobs' finished units, of those that the viewer can see."""
    rows = await items_of_jobs.rows(context.database, context.viewer, keys)
    return _by_job(rows, keys)


class FailedUnit(NamedTuple):
    """A unit that failed, and whether its URLs are kept from the viewer."""

    job_uuid: UUID
    position: int
    uuid: UUID
    spec: dict[str, Any]
    error: str
    action_description: str | None
    is_restricted: bool


@kept_statement(FailedUnit)
def failed_units(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the failed units of jobs."""
    columns = (upload_units.c[name] for name in FailedUnit._fields[:-1])
    restricted = restricted_unit.expression(viewer).label("is_restricted")
    # Not a parameter, so that PostgreSQL knows that few have it.
    failed = sa.literal_column(f"'{JobStatus.ERROR}'", upload_units.c.status.type)
    statement = sa.select(*columns, restricted).where(
        in_bound_keys(upload_units.c.job_uuid, KEYS), upload_units.c.status == failed
    )
    return _first_units(statement)


@batch(jobs.c.uuid, work=200)
async def unit_errors(context: Context, keys: list[UUID]) -> list[list[FailedUnit]]:
    """Load the failed units of jobs."""
    return _by_job(await failed_units.rows(context.database, context.viewer, keys), keys)


def _first_units(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Return the rows of each job in the order of its units, at most `MAX_LISTED`."""
    rank = sa.func.row_number().over(
        partition_by=upload_units.c.job_uuid, order_by=upload_units.c.position
    )
    ranked = statement.add_columns(rank.label("rank")).subquery()
    columns = [column for column in ranked.c if column.key != "rank"]
    return sa.select(*columns).where(ranked.c.rank <= MAX_LISTED).order_by(ranked.c.position)


def _by_job(rows: Sequence[JobRow], keys: list[UUID]) -> list[list[JobRow]]:
    by_job: dict[UUID, list[JobRow]] = defaultdict(list)
    for row in rows:
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
