"""What mutations of re-encoding jobs answer."""

from __future__ import annotations

import strawberry

from resolvers import reencoding
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.reencoding import ReencodeJob


@of()
@strawberry.type(description="The job that was started.")
class StartVideoReencodePayload:
    reencode_job: ReencodeJob | None = resolved(reencoding.job_by_uuid, "The job.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The job that was cancelled.")
class CancelVideoReencodePayload:
    reencode_job: ReencodeJob | None = resolved(reencoding.job_by_uuid, "The job.")
    user_errors: list[UserError] = column(REFUSED)
