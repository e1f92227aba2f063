"""Jobs: one interface with what all kinds share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.execution.keyed_rows import TypeDiscriminator
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus, JobWait
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.scalars import BigInt
from resolvers import jobs
from schema.common import Node
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.people import User


@strawberry.interface(
    description="A job of any kind: work that goes on after the mutation that started it. A job in a "
    "folder is visible to everyone who can see the folder, any other to the user who started it "
    "and to site admins."
)
class Job(Node):
    kinds: ClassVar[TypeDiscriminator] = TypeDiscriminator("kind", JOB_TYPES)
    id: strawberry.ID = resolved(jobs.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The job's UUID.")
    kind: JobKind = column("The kind of job.")
    status: JobStatus = column("The state of the job.")
    outcome: JobOutcome | None = column("The result of the job; null while it runs.")
    folder: StorageFolder | None = resolved(
        jobs.folder_of,
        "The folder that the job is about. Null if it is about none or the viewer cannot see it.",
    )
    user: User | None = resolved(
        jobs.user_of,
        "The user who started the job. Null if it was started automatically or that user has been "
        "deleted.",
    )
    created_at: datetime = column("When the job was created, in UTC.")
    started_at: datetime | None = column(
        "When work on the job began, in UTC; null while it waits in the queue. For a job that ends "
        "within half a second, it may be shown only then."
    )
    last_edited_at: datetime = column("When the job last changed, in UTC.")
    finished_at: datetime | None = column("When the job ended, in UTC; null until then.")
    units_total_count: int = resolved(
        jobs.units_total,
        "Number of units: files or groups of an upload job, files that a sync has found to read, "
        "videos of a re-encoding job. It can grow until the job has ended.",
    )
    units_pending_count: int = column("Number of units that are not finished.")
    units_done_count: int = column("Number of units that are done.")
    units_error_count: int = column("Number of units that failed.")
    units_cancelled_count: int = column("Number of units that were cancelled.")
    bytes_done: BigInt = column("Size of the files of finished units, in bytes, as far as known.")
    bytes_total: BigInt | None = column(
        "Size of the files of all units, in bytes. Null if it is not known."
    )
    units_per_second: float | None = resolved(
        jobs.units_per_second,
        "Units finished per second over the last minute, or since the start. Null while the job "
        "waits, and once it has ended.",
    )
    bytes_per_second: float | None = resolved(
        jobs.bytes_per_second,
        "Bytes of finished units per second over the last minute, or since the start. Null while "
        "the job waits, and once it has ended.",
    )
    estimated_end_at: datetime | None = resolved(
        jobs.estimated_end,
        "When the job will end if it goes on at its current rate, in UTC. Null if it makes no "
        "progress, and once it has ended.",
    )
    queue_position: int | None = resolved(
        jobs.queue_position,
        "The job's place among the waiting jobs of its kind, from 1: the oldest starts first. Null "
        "once it has started.",
    )
    waiting_for: JobWait | None = column(
        "The reason for which the job waits, if that is no fault of its own or of its files; null if it "
        "does not wait. It loses nothing meanwhile, and goes on by itself once it can."
    )
    attempt: int = column(
        "Number of the attempt, from 1: higher if work on the job failed or was interrupted, and "
        "began again. 0 while the job waits."
    )
    error: str | None = column("The last error of the job or of a unit; null if nothing failed.")
    sequence: BigInt = column(
        "A number that grows with each change of the job, across all jobs: what changes later gets "
        "a higher one."
    )

    @classmethod
    def resolve_type(
        cls, row: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType
    ) -> str:
        """Return the GraphQL type of a job's row."""
        return JOB_TYPES[row.kind]


@row_type()
@strawberry.type(description="Jobs that have changed.")
class JobUpdates:
    jobs: list[Job] = column("The jobs in their current states; at most 500.")
    latest: BigInt = column(
        "The number up to which all changes have been sent. Pass it as `after` to resume after a lost "
        "connection."
    )
