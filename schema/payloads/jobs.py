"""Payloads of mutations of jobs of any kind."""

from __future__ import annotations

import strawberry

from resolvers import jobs
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(description="Result of `cancelJob`.")
class CancelJobPayload:
    job: Job | None = resolved(jobs.job_by_uuid, "The cancelled job.")
    user_errors: list[UserError] = column(USER_ERRORS)
