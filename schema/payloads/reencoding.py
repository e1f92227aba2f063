"""Payloads of mutations of re-encoding jobs."""

from __future__ import annotations

import strawberry

from resolvers import reencoding
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.reencoding import ReencodeJob


@row_type()
@strawberry.type(description="Result of `startVideoReencode`.")
class StartVideoReencodePayload:
    reencode_job: ReencodeJob | None = resolved(reencoding.job_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `cancelVideoReencode`.")
class CancelVideoReencodePayload:
    reencode_job: ReencodeJob | None = resolved(reencoding.job_by_uuid, "The cancelled job.")
    user_errors: list[UserError] = column(USER_ERRORS)
