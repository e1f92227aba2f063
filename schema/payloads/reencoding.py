"""What mutations of re-encoding jobs answer."""

from __future__ import annotations

import strawberry

from resolvers import reencoding
from schema.common import UserError
from schema.fields import answered, column, of
from schema.reencoding import ReencodeJob

_REFUSED = "What was refused; empty if all was done."


@of()
@strawberry.type(description="The job that was started.")
class StartVideoReencodePayload:
    reencode_job: ReencodeJob | None = answered(reencoding.job_by_uuid, "The job.")
    user_errors: list[UserError] = column(_REFUSED)


@of()
@strawberry.type(description="The job that was cancelled.")
class CancelVideoReencodePayload:
    reencode_job: ReencodeJob | None = answered(reencoding.job_by_uuid, "The job.")
    user_errors: list[UserError] = column(_REFUSED)
