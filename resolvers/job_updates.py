"""The subscription to all jobs that a viewer may see.

A reader follows the numbers of changes: it looks up which jobs have changed since the last number
that it has sent, and reads these jobs in their current states. Changes get their numbers in the
order in which they become visible, so that none is missed. Subscribers of a viewer with the same
filter share one reader.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.job_visibility import sees_job
from gateway.catalog.jobs import JOBS_TOPIC
from gateway.catalog.ledger.sequences import SequenceName
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.outages import outlast
from gateway.events.streams import Event
from gateway.kinds.enums import JobStatus
from gateway.models.jobs import JobRecord, jobs
from gateway.models.sequences import SequenceRecord, sequences
from gateway.scalars import BigInt
from resolvers.inputs.jobs import JobFilter
from resolvers.job_subscriptions import POLL_SECONDS
from resolvers.jobs import job_conditions

FRAME_SECONDS = 0.5
"""Time between two frames, which bounds the work of a subscription."""
MAX_JOBS = 500
"""Jobs in a frame."""


@dataclass(frozen=True, slots=True)
class UpdatedJobs:
    """An event of `jobsUpdated`: jobs that changed, in their current states.

    A client that has seen all changes up to the number `since` has now seen those up to `latest`.
    """

    jobs: Sequence[JobRecord]
    since: int
    latest: int

    def after(self, number: int) -> "UpdatedJobs":
        """Return the event for a client that has seen changes up to a later number already."""
        unseen = [job for job in self.jobs if job.sequence > number]
        return UpdatedJobs(unseen, number, self.latest)


async def watch_jobs(
    context: Context,
    *,
    filter: Annotated[
        JobFilter | None, strawberry.argument(description="Watch only jobs that match this filter.")
    ] = None,
    after: Annotated[
        BigInt | None,
        strawberry.argument(
            description="The `latest` of the last event that the client received: changes that it "
            "missed come first, instead of the jobs that have not ended."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """All jobs that the viewer can see, as they change, new jobs included.

    Without `after`, the jobs that have not ended come first; the first event confirms the
    subscription even if there are none. Each further event lists jobs that have changed, in their
    current states: at most 500, and at most two events are sent per second. Changes in between are
    merged, but the last state of a job is always sent. To resume after a lost connection, pass the
    `latest` of the last event as `after`.

    A job is no longer sent once it does not match the filter, the viewer cannot see it, or it is
    deleted.
    """
    reader = _JobReader(context, filter)
    present = await reader.latest()
    source = partial(_follow, reader, present)
    async with context.services.streams.follow(
        ("jobs", context.viewer, repr(filter)), source
    ) as stream:
        async with aclosing(reader.first(present, after)) as frames:
            async for frame in frames:
                latest = frame.latest
                yield Event(frame)
        async with aclosing(stream.events()) as events:
            async for event in events:
                if event.row.since <= latest < event.row.latest:
                    yield event if event.row.since == latest else Event(event.row.after(latest))
                    latest = event.row.latest
                elif latest < event.row.latest:  # it is slow, or new, and has missed events
                    async with aclosing(reader.changes(latest)) as frames:
                        async for frame in frames:
                            yield Event(frame)
                            latest = frame.latest
                    latest = max(latest, event.row.latest)
                del event  # an idle subscriber keeps no rows in memory


async def _follow(reader: "_JobReader", latest: int) -> AsyncGenerator[UpdatedJobs]:
    """Yield the jobs that change after a number."""
    async with reader.context.services.events.listen(JOBS_TOPIC) as news:
        while True:
            async with aclosing(reader.changes(latest)) as frames:
                async for frame in frames:
                    latest = frame.latest
                    yield frame
            await asyncio.sleep(FRAME_SECONDS)
            await news.wait(POLL_SECONDS)


class _Change(NamedTuple):
    uuid: UUID
    sequence: int


class _JobReader:
    """Reads the jobs that a viewer can see and that match a filter, in frames.

    What the viewer can see is checked for each frame.
    """

    def __init__(self, context: Context, filter: JobFilter | None) -> None:
        self.context = context
        self._is_wanted = sa.and_(*job_conditions(filter), sees_job(context.viewer))

    async def latest(self) -> int:
        """Return the number of the latest change of any job."""
        selected = sa.select(sequences).where(sequences.c.name == SequenceName.JOBS)
        [row] = await outlast(lambda: self.context.database.rows(selected, SequenceRecord))
        return row.value

    async def first(self, present: int, after: int | None) -> AsyncGenerator[UpdatedJobs]:
        """Yield the jobs that have not ended, or those that have changed after a number.

        `present` is the number of the latest change. There is at least one frame.
        """
        latest = present if after is None else after
        frames = self.running(present) if after is None else self.changes(after)
        is_empty = True
        async with aclosing(frames):
            async for frame in frames:
                is_empty = False
                yield frame
        if is_empty:
            yield UpdatedJobs([], latest, latest)

    async def changes(self, latest: int) -> AsyncGenerator[UpdatedJobs]:
        """Yield the jobs that have changed after a number."""
        async with aclosing(self._frames(jobs.c.sequence > latest)) as frames:
            async for rows, number, _ in frames:
                yield UpdatedJobs(rows, latest, number)
                latest = number

    async def running(self, present: int) -> AsyncGenerator[UpdatedJobs]:
        """Yield the jobs that have not ended; all changes up to a number are among these events.

        A client that is interrupted half-way gets the others as changes.
        """
        latest = 0
        async with aclosing(self._frames(jobs.c.status == JobStatus.PENDING)) as frames:
            async for rows, number, is_last in frames:
                reached = present if is_last else min(number, present)
                yield UpdatedJobs(rows, latest, reached)
                latest = reached

    async def _frames(
        self, condition: sa.ColumnElement[bool]
    ) -> AsyncGenerator[tuple[Sequence[JobRecord], int, bool]]:
        """Yield jobs in the order of their changes, with the last number, and whether that is all.

        All jobs beyond the first frame are looked up at once: a job that changes all the time, and
        whose number is always among the last, gets its turn nevertheless.
        """
        rows = await self._read(condition, limit=MAX_JOBS)
        if rows:
            yield rows, rows[-1].sequence, len(rows) < MAX_JOBS
        if len(rows) < MAX_JOBS:
            return
        beyond = sa.and_(condition, jobs.c.sequence > rows[-1].sequence, self._is_wanted)
        found = sa.select(jobs.c.uuid, jobs.c.sequence).where(beyond).order_by(jobs.c.sequence)
        further = await outlast(lambda: self.context.database.rows(found, _Change))
        for start in range(0, len(further), MAX_JOBS):
            await asyncio.sleep(FRAME_SECONDS)
            batch = further[start : start + MAX_JOBS]
            rows = await self._read(in_keys(jobs.c.uuid, [change.uuid for change in batch]))
            yield rows, batch[-1].sequence, start + MAX_JOBS >= len(further)

    async def _read(
        self, condition: sa.ColumnElement[bool], limit: int | None = None
    ) -> Sequence[JobRecord]:
        chosen = sa.select(jobs).where(condition, self._is_wanted)
        ordered = chosen.order_by(jobs.c.sequence).limit(limit)
        return await outlast(lambda: self.context.database.rows(ordered, JobRecord))
