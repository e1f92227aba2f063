"""The subscription to DICOM studies as the jobs end that added instances to them.

It follows the numbers that jobs get with their changes, in the order in which these become visible,
so that it misses no end. All subscribers of a viewer to the same folder share one stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import sees_below
from gateway.catalog.jobs import JOBS_TOPIC
from gateway.catalog.ledger.sequences import SequenceName
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.outages import outlast
from gateway.database.tree import within
from gateway.errors import DomainError, bad_input
from gateway.events.log_streams import LogStream
from gateway.events.streams import Event
from gateway.kinds.enums import JobKind, JobStatus
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.dicom import dicom_instances, dicom_series
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from gateway.models.jobs import JobRecord, jobs
from gateway.models.sequences import SequenceRecord, sequences
from gateway.models.uploads import upload_units
from resolvers.change_subscriptions import check_watched
from resolvers.job_subscriptions import POLL_SECONDS
from resolvers.job_updates import FRAME_SECONDS

MAX_JOBS = 50
"""Ended jobs whose studies are read at once."""
MAX_STUDIES = 100
"""Studies that followers are given at once."""
_LAST = UUID(int=2**128 - 1)


class Position(NamedTuple):
    """A position in the log of events: the number of a job's end, and one of its studies."""

    sequence: int
    study_uuid: UUID = _LAST

    @property
    def text(self) -> str:
        """The position as clients have it."""
        return f"{self.sequence}.{self.study_uuid.hex}"

    @classmethod
    def from_text(cls, text: str) -> "Position":
        """Return the position behind a text.

        Raises:
            DomainError: it is of no event.
        """
        sequence, _, study = text.partition(".")
        try:
            return cls(int(sequence), UUID(hex=study))
        except ValueError:
            raise _unknown_position() from None


class FedStudy(NamedTuple):
    """A study to which a job added instances, with the number that the job got at its end."""

    sequence: int
    study_uuid: UUID
    job_uuid: UUID

    @property
    def position(self) -> Position:
        """The position of its event."""
        return Position(self.sequence, self.study_uuid)


class ReadyStudy(NamedTuple):
    """An event of `dicomStudyReady`; the first one may have no study and no job."""

    latest: str
    study_uuid: UUID | None = None
    job_uuid: UUID | None = None


class ReadyStudies:
    """The events after one position, up to another, with an event that has no study if none is.

    Followers share the events, and so what is answered to each.
    """

    def __init__(self, studies: Sequence[FedStudy], after: Position, latest: Position) -> None:
        self.after = after
        self.latest = latest
        self.is_empty = not studies
        rows = [ReadyStudy(each.position.text, *each[1:]) for each in studies]
        self.events = [Event(row) for row in rows or [ReadyStudy(latest.text)]]


async def watch_ready_studies(
    context: Context,
    *,
    folder_uuid: Annotated[
        UUID,
        strawberry.argument(
            description="UUID of the folder, in which and below which studies are."
        ),
    ],
    after: Annotated[
        str | None,
        strawberry.argument(
            description="The `latest` of the last event that the client received. Studies that it "
            "missed come first."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """DICOM studies that have become ready: a job that added instances to them has ended.

    Each event is of a study and an upload job, or a job that copies studies, in this folder or
    below it; whether the job succeeded, failed or was cancelled does not matter, as long as it
    added an instance. If further jobs add to the study, it comes again when they end; until then
    its `availability` may be `RECEIVING`.

    The first event confirms the subscription, without a study, unless studies were missed. None is
    missed, and none is sent twice, even if the client resumes with `after`. The subscription ends
    with an error if the folder is deleted or the viewer can no longer see it.
    """
    begin = None if after is None else Position.from_text(after)
    log = _StudyLog(context.afresh(), folder_uuid)
    key = "studies", folder_uuid, context.viewer
    async with (
        context.services.streams.follow_as(LogStream, key, log.batches) as stream,
        aclosing(
            stream.batches(begin, lambda position: outlast(partial(log.read, position)))
        ) as batches,
    ):
        async for batch in batches:
            for event in batch.row.events:
                yield event
                del event
            del batch  # an idle subscriber keeps no row in memory


class _Later(NamedTuple):
    """Studies after a position: all of some jobs, or of all jobs if nothing is `left`."""

    studies: Sequence[FedStudy]
    latest: Position
    is_left: bool = False


class _StudyLog:
    """Reads the studies of the jobs that ended in a folder and below it."""

    def __init__(self, context: Context, folder_uuid: UUID) -> None:
        self._context = context
        self._folder_uuid = folder_uuid
        top = folders.alias("top")
        self._below = (
            sa.select(folders.c.uuid)
            .join(top, within(folders.c.path, top.c.path))
            .where(top.c.uuid == folder_uuid, *sees_below(context.viewer, folders, top))
        )

    async def batches(self) -> AsyncGenerator[ReadyStudies]:
        """Yield the position of the log, then all studies after it as their jobs end."""
        async with self._context.services.events.listen(JOBS_TOPIC) as news:
            later = await outlast(partial(self._look, None))
            sent = later.latest
            yield ReadyStudies([], sent, sent)
            while True:
                await asyncio.sleep(FRAME_SECONDS)
                await news.wait(POLL_SECONDS)
                is_behind = True
                while is_behind:
                    later = await outlast(partial(self._look, later.latest))
                    is_behind = later.is_left
                    for start in range(0, len(later.studies), MAX_STUDIES):
                        studies = later.studies[start : start + MAX_STUDIES]
                        latest = studies[-1].position
                        yield ReadyStudies(studies, sent, latest)  # nothing is between the two
                        sent = latest

    async def read(self, after: Position | None) -> ReadyStudies:
        """Return the first studies after a position, or none without one."""
        later = await self._find(after)
        studies, latest = later.studies[:MAX_STUDIES], later.latest
        if len(studies) < len(later.studies):
            latest = studies[-1].position
        return ReadyStudies(studies, latest if after is None else after, latest)

    async def _look(self, after: Position | None) -> _Later:
        await check_watched(self._context, self._folder_uuid)
        return await self._find(after)

    async def _find(self, after: Position | None) -> _Later:
        """Return the studies of the first jobs that ended after a position."""
        last = sa.select(sequences).where(sequences.c.name == SequenceName.JOBS)
        [row] = await self._context.database.rows(last, SequenceRecord)
        head = Position(row.value)
        if after is None or after == head:
            return _Later([], head)
        if not 0 <= after.sequence <= head.sequence:
            raise _unknown_position()
        # The studies of a job may have been sent in part.
        first = after.sequence + (after.study_uuid == _LAST)
        ended = (
            sa.select(jobs.c.uuid, jobs.c.sequence)
            .where(
                jobs.c.sequence.between(first, head.sequence),
                jobs.c.status != JobStatus.PENDING,
                sa.or_(
                    (jobs.c.kind == JobKind.UPLOAD) & jobs.c.folder_uuid.in_(self._below),
                    (jobs.c.kind == JobKind.DICOM_COPY)
                    & jobs.c.target_folder_uuid.in_(self._below),
                ),
            )
            .order_by(jobs.c.sequence)
            .limit(MAX_JOBS)
        )
        rows = await self._context.database.rows(ended, JobRecord)
        studies = await self._studies_of([job.uuid for job in rows]) if rows else []
        unsent = [study for study in studies if study.position > after]
        if len(rows) < MAX_JOBS:
            return _Later(unsent, head)
        return _Later(unsent, Position(rows[-1].sequence), is_left=True)

    async def _studies_of(self, job_uuids: list[UUID]) -> list[FedStudy]:
        """Return the studies with instances that these jobs added, in the order of their events."""
        instance, units, copies = dicom_instances.c, upload_units.c, dicom_job_units.c
        made = (
            in_keys(units.job_uuid, job_uuids),
            units.status == JobStatus.DONE,
            units.is_skipped.is_(False),
        )
        is_series = sa.and_(
            items.c.uuid == units.item_uuid, items.c.item_type == StorageItemType.DICOM_SERIES
        )
        columns = units.job_uuid, instance.series_uuid
        added = sa.union_all(
            sa.select(*columns)
            .join_from(upload_units, dicom_instances, instance.item_uuid == units.item_uuid)
            .where(*made),
            sa.select(*columns)
            .join_from(upload_units, items, is_series)
            .join(group_members, group_members.c.group_uuid == items.c.uuid)
            .join(dicom_instances, instance.item_uuid == group_members.c.item_uuid)
            .where(*made),
            sa.select(copies.job_uuid, instance.series_uuid)
            .join_from(dicom_job_units, dicom_instances, instance.item_uuid == copies.copy_uuid)
            .where(in_keys(copies.job_uuid, job_uuids)),
        ).subquery()
        statement = (
            sa.select(jobs.c.sequence, dicom_series.c.study_uuid, added.c.job_uuid)
            .join_from(added, jobs, jobs.c.uuid == added.c.job_uuid)
            .join(dicom_series, dicom_series.c.uuid == added.c.series_uuid)
            .where(dicom_series.c.folder_uuid.in_(self._below))
            .distinct()
        )
        rows = await self._context.database.rows(statement, FedStudy)
        return sorted(FedStudy(*row) for row in rows)


def _unknown_position() -> DomainError:
    return bad_input("after must be the latest value of an earlier event.", "after")
