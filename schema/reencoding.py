"""Re-encoding jobs and their units."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import ReencodeJobStatus, ReencodeUnitStatus
from gateway.scalars import BigInt
from resolvers import reencoding, uploads
from schema.common import Connection, Node
from schema.fields import column, resolved, row_type
from schema.people import User

if TYPE_CHECKING:
    from schema.items import StorageItem


@row_type()
@strawberry.type(description="One video of a re-encoding job.")
class ReencodeUnit(Node):
    id: strawberry.ID = resolved(reencoding.unit_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The unit's UUID.")
    position: int = column("Position of the video in the job, counted from 0.")
    status: ReencodeUnitStatus = column("The state of the unit.")
    progress: float = column("Progress of the unit, from 0 to 1.")
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        uploads.item_of,
        "The video, with the result as its `rendition`. Null if it has been deleted or the "
        "viewer cannot see it.",
    )
    error: str | None = column(
        "The reason why the video could not be re-encoded; null if there is none."
    )


@row_type()
@strawberry.type(
    description=(
        "A job that re-encodes videos so that all browsers can play them. Visible only to the "
        "user who started it and to site admins."
    )
)
class ReencodeJob(Node):
    id: strawberry.ID = resolved(reencoding.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The job's UUID.")
    title: str = column("The title given when the job was started.")
    user: User | None = resolved(
        uploads.user_of, "The user who started the job. Null if that user has been deleted."
    )
    is_forced: bool = column("Whether videos are re-encoded even if they do not need it.")
    status: ReencodeJobStatus = column("The state of the job.")
    progress: float = column("Progress of the job, from 0 to 1: the mean of its units.")
    sequence: BigInt = column("A number that grows with each change of the job.")
    units_total_count: int = column("Number of videos in the job.")
    units_pending_count: int = column("Number of videos that are not finished.")
    units_error_count: int = column("Number of videos that could not be re-encoded.")
    created_at: datetime = column("When the job was started, in UTC.")
    last_edited_at: datetime = column("When the job last changed, in UTC.")
    finished_at: datetime | None = column("When the job ended, in UTC; null while it runs.")
    units: Connection[ReencodeUnit] = resolved(
        reencoding.units_of,
        "The job's videos and their states, in input order.",
    )
