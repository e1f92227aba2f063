"""Working on a re-encoding job, one video at a time; a video that is fit already is left alone unless forced."""

from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.reencoding import (
    REENCODE,
    ReencodeArgs,
    ReencodeResult,
    end_unit,
    save_progress,
)
from gateway.context import Services
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import ReencodeUnitStatus
from gateway.kinds.item_kinds import StorageItemType
from gateway.media.errors import MediaError
from gateway.models.base import now
from gateway.models.items import items
from gateway.models.reencoding import reencode_jobs, reencode_units, renditions
from gateway.sandbox.encoder import Encoder, SourceVideo
from gateway.sandbox.prober import Prober
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import local_copy

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 600))
"""When a video is tried again that we could not work on, for reasons that are not its own; then it has failed."""

log = structlog.get_logger(__name__)


class Unwanted(Exception):
    """Somebody has cancelled the job, or removed it."""


async def reencode(
    services: Services, encoder: Encoder, prober: Prober, *, job: str, position: int, tries: int = 0
) -> None:
    """Work on one video of a job if it is still pending; `tries` were in vain before."""
    unit = await _pending(services, UUID(hex=job), position)
    if unit is None:
        return None
    try:
        ending = await _made(services, encoder, prober, unit)
    except Unwanted:
        return None
    except (MediaError, MissingObject) as error:
        ending = ReencodeResult(ReencodeUnitStatus.ERROR, error=_said(error))
    except Exception as error:
        log.warning("video_not_reencoded", job=job, position=position, exc_info=True)
        if tries < len(DELAYS) and not (isinstance(error, FetchError) and not error.is_transient):
            return await _postpone(services, job, position, tries)
        ending = ReencodeResult(ReencodeUnitStatus.ERROR, error=_said(error))
    await end_unit(services, unit.job_uuid, unit.uuid, unit.object_key, ending)


async def _pending(services: Services, job_uuid: UUID, position: int) -> Any:
    """The unit with what must be known of its job and video; None if it has ended."""
    statement = (
        sa.select(
            reencode_units,
            reencode_jobs.c.is_forced,
            items.c.name,
            items.c.object_key.label("original_key"),
            items.c.url,
            items.c.integration_uuid,
            items.c.mime_type,
            items.c.duration,
            renditions.c.object_key.label("present_key"),
        )
        .join(reencode_jobs, reencode_jobs.c.uuid == reencode_units.c.job_uuid)
        .outerjoin(items, items.c.uuid == reencode_units.c.item_uuid)
        .outerjoin(renditions, renditions.c.item_uuid == items.c.uuid)
        .where(
            reencode_units.c.job_uuid == job_uuid,
            reencode_units.c.position == position,
            reencode_units.c.status == ReencodeUnitStatus.PENDING,
        )
    )
    return next(iter(await services.database.rows(statement)), None)


async def _made(services: Services, encoder: Encoder, prober: Prober, unit: Any) -> ReencodeResult:
    """Make a new version of a video and store it, unless there is one or the video needs none."""
    if unit.url is None:
        raise MediaError("the video was removed")
    if unit.present_key is not None and not unit.is_forced:
        return ReencodeResult(ReencodeUnitStatus.LEFT_ALONE)
    place, elsewhere = unit.original_key or unit.url, unit.original_key is None
    async with local_copy(services, place, elsewhere, unit.integration_uuid) as path:
        original = SourceVideo(path, unit.mime_type, unit.duration or 0.0)
        async with encoder.reencode(
            original, unit.is_forced, partial(_report, services, unit)
        ) as film:
            if film is None:
                return ReencodeResult(ReencodeUnitStatus.LEFT_ALONE)
            facts = asdict(await prober.probe(film, StorageItemType.VIDEO, unit.name))
            await services.store.put_file(unit.object_key, film, encoder.mime_type)
    return ReencodeResult(ReencodeUnitStatus.REENCODED, facts)


async def _report(services: Services, unit: Any, progress: float) -> None:
    if not await save_progress(services, unit.job_uuid, unit.uuid, progress):
        raise Unwanted


async def _postpone(services: Services, job: str, position: int, tries: int) -> None:
    again = ReencodeArgs(job=job, position=position, tries=tries + 1)
    async with services.database.writing() as transaction:
        await services.queue.enqueue(transaction, REENCODE, again, run_at=now() + DELAYS[tries])


def _said(error: Exception) -> str:
    """What its owner reads of why a video could not be made anew."""
    match error:
        case MediaError() | FetchError():
            return str(error)
        case MissingObject():
            return "its bytes are not there"
        case _:
            return "it could not be worked on, through no fault of its own"
