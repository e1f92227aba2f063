"""Re-encoding jobs and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import ReencodeUnitStatus
from resolvers import reencoding, uploads
from schema.common import Connection, Node
from schema.fields import column, resolved, row_type
from schema.jobs import Job

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
class ReencodeJob(Job):
    title: str = column("The title given when the job was started.")
    is_forced: bool = column("Whether videos are re-encoded even if they do not need it.")
    progress: float = column("Progress of the job, from 0 to 1: the mean of its units.")
    units: Connection[ReencodeUnit] = resolved(
        reencoding.units_of,
        "The job's videos and their states, in input order.",
    )
