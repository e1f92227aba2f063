"""Re-encoding of videos, one at a time.

A video that has a re-encoded version, or that every browser plays as it is, is left alone unless
the job is forced.
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.jobs import begin_work, show_start
from gateway.catalog.reencoding import (
    REENCODE,
    ReencodeArgs,
    ReencodeResult,
    end_unit,
    save_progress,
)
from gateway.context import Services
from gateway.database.outages import is_outage
from gateway.error_texts import about_file
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import ReencodeUnitStatus
from gateway.kinds.item_kinds import StorageItemType
from gateway.media.errors import MediaError
from gateway.media.video_formats import SourceVideo
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.reencoding import reencode_units, renditions
from gateway.queues.own_faults import is_own_fault
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.child_slots import ALONE
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.site_faults import find_site_fault
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import local_copy
from gateway.tasks.site_waits import outlast_faults
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 600))
"""Delays before a video is tried again that failed for reasons other than itself."""

log = structlog.get_logger(__name__)


class PendingVideo(NamedTuple):
    """A pending unit with its video, whose columns are None if it was deleted.

    Attributes:
        object_key: where to store the re-encoded version.
        original_key: the video's object, unless the video is a remote file.
        present_key: the object of the version that it has already.
    """

    uuid: UUID
    job_uuid: UUID
    object_key: str
    is_forced: bool
    started_at: datetime | None
    name: str
    original_key: str | None
    url: str | None
    integration_uuid: UUID | None
    present_key: str | None


class _Cancelled(Exception):
    """Raised when the job was cancelled or deleted while a video was re-encoded."""


async def reencode(
    services: Services, encoder: Encoder, prober: Prober, *, job: str, position: int, tries: int = 0
) -> None:
    """Process one video of a job if it is still pending, after `tries` failed attempts."""
    pending = (
        sa.select(
            reencode_units,
            jobs.c.is_forced,
            jobs.c.started_at,
            items.c.name,
            items.c.object_key.label("original_key"),
            items.c.url,
            items.c.integration_uuid,
            renditions.c.object_key.label("present_key"),
        )
        .join(jobs, jobs.c.uuid == reencode_units.c.job_uuid)
        .outerjoin(items, items.c.uuid == reencode_units.c.item_uuid)
        .outerjoin(renditions, renditions.c.item_uuid == items.c.uuid)
        .where(
            reencode_units.c.job_uuid == UUID(hex=job),
            reencode_units.c.position == position,
            reencode_units.c.status == ReencodeUnitStatus.PENDING,
        )
    )
    begin_work(UUID(hex=job), tries)
    ALONE.set(tries > 0)
    for video in await services.database.rows(pending, PendingVideo):
        if video.started_at is None:
            await show_start(services, video.job_uuid)
        try:
            result = await _reencode_video(services, encoder, prober, video)
        except _Cancelled:
            return
        except Exception as error:
            if find_site_fault(error) or is_outage(error):
                raise
            result = ReencodeResult(ReencodeUnitStatus.ERROR, error=_message(video, error))
            if not isinstance(error, MediaError | MissingObject):
                log.warning("video_not_reencoded", job=job, position=position, exc_info=True)
                is_refused = isinstance(error, FetchError) and not error.is_transient
                if tries < len(DELAYS) and not (is_refused or is_own_fault(error)):
                    delay = DELAYS[tries]
                    args = ReencodeArgs(job=job, position=position, tries=tries + 1)
                    async with services.database.writing() as transaction:
                        await services.queue.enqueue(transaction, REENCODE, args, delay=delay)
                    return
        await end_unit(services, video.job_uuid, video.uuid, video.object_key, result)


async def _reencode_video(
    services: Services, encoder: Encoder, prober: Prober, video: PendingVideo
) -> ReencodeResult:
    """Re-encode and store a video, unless it has a version already or needs none."""
    if video.url is None:
        raise MediaError("the video was deleted before it was re-encoded")
    if is_to_blame():
        raise MediaError(STOPPED_WORKERS)
    if video.present_key is not None and not video.is_forced:
        return ReencodeResult(ReencodeUnitStatus.LEFT_ALONE)
    location, is_remote = video.original_key or video.url, video.original_key is None

    async def report(progress: float) -> None:
        if not await save_progress(services, video.job_uuid, video.uuid, progress):
            raise _Cancelled

    async with local_copy(services, location, is_remote, video.integration_uuid) as path:
        # The facts of the item may be its client's, or those of an older version.
        facts = await prober.probe(path, StorageItemType.VIDEO, video.name)
        source = SourceVideo(path, facts.mime_type, facts.fps, facts.duration, facts.frame_count)
        async with encoder.reencode(source, video.is_forced, report) as encoded:
            if encoded is None:
                return ReencodeResult(ReencodeUnitStatus.LEFT_ALONE)
            facts = await prober.probe(encoded, StorageItemType.VIDEO, video.name)
            key, mime_type = video.object_key, encoder.mime_type
            put = partial(services.store.put_file, key, encoded, mime_type)
            await outlast_faults(services, video.job_uuid, put)
    return ReencodeResult(ReencodeUnitStatus.REENCODED, asdict(facts))


def _message(video: PendingVideo, error: Exception) -> str:
    """Return the message that users read about a video that was not re-encoded."""
    match error:
        case MediaError() | FetchError():
            reason = str(error)
        case MissingObject():
            reason = "the video's bytes are missing from the store"
        case ChildKilled():
            reason = "the process that re-encoded it was killed each time"
        case _:
            reason = "processing failed unexpectedly"
    return about_file(video.name or "A video", reason)
