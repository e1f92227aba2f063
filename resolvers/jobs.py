"""Jobs of any kind: what their types share, and the list of all jobs."""

from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.job_visibility import (
    sees_collecting,
    sees_deletion,
    sees_folder_copy,
    sees_job,
    sees_linking,
)
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.catalog.jobs import COUNTS, TERMINAL
from gateway.catalog.rules.job_rates import JobRates, rates, remaining_time
from gateway.clock import now
from gateway.context import Context
from gateway.database.tree import within
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import (
    Computed,
    Direction,
    Lookup,
    Orders,
    ToMany,
    ToOne,
    batch,
)
from gateway.ids import global_id
from gateway.kinds.enums import JobKind, JobStatus
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.models.folders import folders
from gateway.models.jobs import JobRecord, jobs
from gateway.models.people import users
from resolvers.inputs.jobs import JobFilter, JobOrder, JobOrderField

_UNITS = tuple(jobs.c[name] for name in COUNTS.values())
_RATE = (
    *(jobs.c.status, jobs.c.started_at, jobs.c.rate_marks, jobs.c.bytes_done, jobs.c.bytes_total),
    *_UNITS,
)


def _rates(job: JobRecord) -> JobRates | None:
    """Return the rates of a job; None while it waits, and after it has ended."""
    if job.status in TERMINAL:
        return None
    ended = job.units_done_count + job.units_error_count + job.units_cancelled_count
    return rates(job.started_at, job.rate_marks, now(), ended, job.bytes_done)


def _estimated_end(job: JobRecord) -> Any:
    pending, done = job.units_pending_count, job.bytes_done
    left = remaining_time(_rates(job), pending, done, job.bytes_total)
    return None if left is None else now() + left


def job_conditions(filter: JobFilter | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a `JobFilter`, without those of visibility."""
    if filter is None:
        return []
    conditions: list[sa.ColumnElement[bool]] = []
    for column, values in (
        (jobs.c.kind, filter.kinds),
        (jobs.c.status, filter.statuses),
        (jobs.c.outcome, filter.outcomes),
        (jobs.c.waiting_for, filter.waiting_for),
    ):
        if values is not None:
            conditions.append(column.in_(values))
    if filter.folder_uuid is not None:
        below, top = folders.alias(), folders.alias()
        covered = (
            sa.select(below.c.uuid)
            .select_from(below.join(top, within(below.c.path, top.c.path)))
            .where(top.c.uuid == filter.folder_uuid)
        )
        conditions.append(jobs.c.folder_uuid.in_(covered))
    if filter.started_by is not None:
        conditions.append(jobs.c.user_uuid == filter.started_by)
    if filter.created_after is not None:
        conditions.append(jobs.c.created_at > filter.created_after)
    if filter.has_errors is not None:
        has_errors = sa.or_(jobs.c.units_error_count > 0, jobs.c.status == JobStatus.ERROR)
        conditions.append(has_errors if filter.has_errors else ~has_errors)
    return conditions


id_of = Computed((jobs.c.kind, jobs.c.uuid), lambda job: global_id(JOB_TYPES[job.kind], job.uuid))
job_by_uuid = ToOne(jobs, "job_uuid", access=sees_job)
deletion_by_uuid = ToOne(jobs, "job_uuid", access=sees_deletion)
collecting_by_uuid = ToOne(jobs, "job_uuid", access=sees_collecting)
folder_copy_by_uuid = ToOne(jobs, "job_uuid", access=sees_folder_copy)
linking_by_uuid = ToOne(jobs, "job_uuid", access=sees_linking)
job_lookup = Lookup(job_by_uuid, "uuid", "UUID of the job.")
folder_of = ToOne(folders, jobs.c.folder_uuid, access=sees_folder)
own_folder_of = ToOne(folders, jobs.c.folder_uuid)
source_folder_of = ToOne(folders, jobs.c.source_folder_uuid, access=sees_folder)
user_of = ToOne(users, jobs.c.user_uuid)
units_total = Computed(_UNITS, lambda job: sum(getattr(job, name) for name in COUNTS.values()))
units_per_second = Computed(_RATE, lambda job: (found := _rates(job)) and found.units)
bytes_per_second = Computed(_RATE, lambda job: (found := _rates(job)) and found.size)
estimated_end = Computed(_RATE, _estimated_end)
all_jobs = ToMany(
    "jobs",
    jobs,
    Orders(
        {
            JobOrderField.CREATED_AT: jobs.c.created_at,
            JobOrderField.SEQUENCE: jobs.c.sequence,
        },
        JobOrderField.CREATED_AT,
        jobs.c.uuid,
        Direction.DESC,
        JobOrder,
    ),
    where=lambda query: [*job_conditions(query.filter), sees_job(query.viewer)],
    filter_type=JobFilter,
)


class _Place(NamedTuple):
    uuid: UUID
    place: int


@kept_statement(_Place)
def waiting_jobs(_viewer: Viewer, kinds: tuple[JobKind, ...]) -> sa.Select[Any]:
    """Return the statement for the places of waiting jobs of some kinds."""
    place = sa.func.row_number().over(partition_by=jobs.c.kind, order_by=jobs.c.uuid)
    return sa.select(jobs.c.uuid, place.label("place")).where(
        jobs.c.kind.in_(kinds), jobs.c.status == JobStatus.PENDING, jobs.c.started_at.is_(None)
    )


@batch(jobs.c.uuid, jobs.c.kind, jobs.c.status, jobs.c.started_at, work=5)
async def queue_position(context: Context, keys: list[Any]) -> list[int | None]:
    """Return the places of waiting jobs among those of their kind, the oldest first."""
    kinds: set[JobKind] = {
        kind for _, kind, status, started_at in keys if status not in TERMINAL and not started_at
    }
    if not kinds:
        return [None] * len(keys)
    rows = await waiting_jobs.rows(context.database, context.viewer, (), tuple(sorted(kinds)))
    places = {row.uuid: row.place for row in rows}
    return [places.get(uuid) for uuid, *_ in keys]
