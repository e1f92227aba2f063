"""What a client sends to have videos re-encoded."""

from uuid import UUID

import strawberry


@strawberry.input(description="Videos of which versions are wanted that every browser plays.")
class StartVideoReencodeInput:
    item_uuids: list[UUID] = strawberry.field(
        description="1 to 1,000 videos, in any folders, none of them twice."
    )
    title: str = strawberry.field(description="What to call the job, 1 to 1,000 characters.")
    force: bool = strawberry.field(
        default=False,
        description="Whether to make a version even of a video that browsers play as it is, or that has one already.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="The same key within 24 hours gives the same answer instead of doing it again.",
    )


@strawberry.input(description="A re-encoding job to be cancelled.")
class CancelVideoReencodeInput:
    reencode_job_uuid: UUID = strawberry.field(description="The job.")
