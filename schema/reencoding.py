"""Re-encoding: jobs over videos, and the versions that they make."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import ReencodeJobStatus, ReencodeUnitStatus
from resolvers import reencoding, uploads
from resolvers.inputs.scalars import BigInt
from schema.common import Connection, Node
from schema.fields import column, of, resolved
from schema.people import User

if TYPE_CHECKING:
    from schema.items import StorageItem


@of()
@strawberry.type(description="One video of a re-encoding job.")
class ReencodeUnit:
    uuid: UUID = column("The unit's uuid.")
    position: int = column("Its place in the job, from 0.")
    status: ReencodeUnitStatus = column("What has become of it.")
    progress: float = column("How much of it is done, from 0 to 1.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        uploads.item_of,
        "The video, if it is there and the viewer sees it; its `rendition` is what was made.",
    )
    error: str | None = column("What is wrong with it.")


@of()
@strawberry.type(description="A job that makes versions of videos which every browser plays.")
class ReencodeJob(Node):
    id: strawberry.ID = resolved(reencoding.id_of, "The opaque id.")
    uuid: UUID = column("The job's uuid.")
    title: str = column("What its starter calls it.")
    user: User | None = resolved(uploads.user_of, "Who started it.")
    is_forced: bool = column("Whether videos are re-encoded that need it not.")
    status: ReencodeJobStatus = column("Whether it is finished, and how (ENC-REENC-01).")
    progress: float = column("How much of it is done, from 0 to 1; the mean of its units.")
    sequence: BigInt = column("A number that grows with each change of the job.")
    units_total_count: int = column("How many videos it has.")
    units_pending_count: int = column("Videos that are not finished.")
    units_error_count: int = column("Videos that could not be re-encoded.")
    created_at: datetime = column("When it was started.")
    last_edited_at: datetime = column("When it last changed.")
    finished_at: datetime | None = column("When it ended.")
    units: Connection[ReencodeUnit] = resolved(
        reencoding.units_of,
        "Its videos and what has become of each, in the order of the input (ENC-REENC-02).",
    )
