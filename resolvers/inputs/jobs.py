"""Inputs about jobs of any kind."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import strawberry

from gateway.execution.declarations import Direction
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus, JobWait


class JobOrderField(StrEnum):
    """Attributes that jobs can be ordered by."""

    CREATED_AT = "CREATED_AT"
    SEQUENCE = "SEQUENCE"


@strawberry.input(description="Order of jobs. Ties are broken by UUID.")
class JobOrder:
    field: JobOrderField = strawberry.field(
        default=JobOrderField.CREATED_AT, description="The attribute to order by."
    )
    direction: Direction = strawberry.field(
        default=Direction.DESC, description="The direction of the order."
    )


@strawberry.input(description="Filter for jobs. A job must match all fields that are set.")
class JobFilter:
    kinds: list[JobKind] | None = strawberry.field(
        default=None, description="Only jobs of these kinds."
    )
    statuses: list[JobStatus] | None = strawberry.field(
        default=None, description="Only jobs in these states."
    )
    outcomes: list[JobOutcome] | None = strawberry.field(
        default=None, description="Only jobs that have ended so."
    )
    waiting_for: list[JobWait] | None = strawberry.field(
        default=None, description="Only jobs that wait for one of these."
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of a folder: only jobs in it or in a folder below. No job matches a folder "
        "that does not exist or that the viewer cannot see.",
    )
    started_by: UUID | None = strawberry.field(
        default=None, description="UUID of a user: only jobs that the user started."
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Only jobs created after this time."
    )
    has_errors: bool | None = strawberry.field(
        default=None,
        description="If `true`, only jobs that failed or have failed units; if `false`, only "
        "others.",
    )


@strawberry.input(description="The job to cancel.")
class CancelJobInput:
    job_uuid: UUID = strawberry.field(description="UUID of the job, of any kind.")
