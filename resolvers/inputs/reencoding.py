"""Inputs of mutations of re-encoding jobs."""

from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import IDEMPOTENCY_KEY


@strawberry.input(description="Videos to re-encode so that all browsers can play them.")
class StartVideoReencodeInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 videos, from any folders, without duplicates."
    )
    title: str = strawberry.field(description="Title of the job, 1 to 1,000 characters.")
    force: bool = strawberry.field(
        default=False,
        description="Whether to re-encode even videos that browsers can play as they are, or "
        "that have a rendition already.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description=IDEMPOTENCY_KEY,
    )


@strawberry.input(description="The re-encoding job to cancel.")
class CancelVideoReencodeInput:
    reencode_job_uuid: UUID = strawberry.field(description="UUID of the job.")
