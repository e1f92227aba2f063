"""Thumbnails: files are drawn in child processes, one after the other, and the results stored."""

from datetime import timedelta
from uuid import UUID

import structlog

from gateway.catalog.integration_access import integration_access
from gateway.catalog.ledger.thumbnails import MAKE_THUMBNAILS, MakeThumbnailsArgs, thumbnail_key
from gateway.catalog.thumbnails import (
    WantedThumbnail,
    begin_thumbnails,
    refuse_thumbnail,
    save_thumbnail,
)
from gateway.context import Services
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import JobWait, ThumbnailUnavailableReason
from gateway.media.drawing.frames import MIME_TYPE, NoSuchFrame
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.child_slots import ALONE
from gateway.sandbox.prober import Prober
from gateway.site_faults import SiteFault
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import readable_file
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame, must_be_divided

DELAYS = tuple(timedelta(seconds=seconds) for seconds in (5, 60, 600))
"""Delays before a file is tried again that could not be fetched, or whose process was killed.

While a cloud is away, the last of them is repeated.
"""

log = structlog.get_logger(__name__)


async def make_thumbnails(
    services: Services, prober: Prober, *, items: list[str], frame: int, tries: int = 0
) -> None:
    """Make the thumbnails of a frame of these items that are not made yet.

    `tries` is the number of failed attempts before this one.
    """
    async with services.database.writing() as transaction:
        uuids = [UUID(hex=item) for item in items]
        wanted = await begin_thumbnails(transaction, services.queue, uuids, frame)
        if must_be_divided(wanted):
            for item in (each.item.uuid.hex for each in wanted):
                args = MakeThumbnailsArgs(items=[item], frame=frame, tries=tries)
                await services.queue.enqueue(transaction, MAKE_THUMBNAILS, args, deaths=1)
            return
    ALONE.set(tries > 0)
    to_retry = []
    for each in wanted:
        try:
            if is_to_blame():
                raise MediaError(STOPPED_WORKERS)
            reason = await _make(services, prober, each)
        except MediaError as error:
            log.info("thumbnail_not_made", item=str(each.item.uuid), reason=str(error))
            reason = ThumbnailUnavailableReason.UNDECODABLE
        except SiteFault as fault:
            if fault.wait is not JobWait.INTEGRATION:
                raise
            to_retry.append(each.item.uuid.hex)
            continue
        except (FetchError, MissingObject, ChildKilled) as error:
            was_killed = isinstance(error, ChildKilled)
            is_transient = was_killed or (isinstance(error, FetchError) and error.is_transient)
            if is_transient and tries < len(DELAYS):
                to_retry.append(each.item.uuid.hex)
                continue
            log.info("thumbnail_not_made", item=str(each.item.uuid), reason=str(error))
            reasons = ThumbnailUnavailableReason
            reason = reasons.UNDECODABLE if was_killed else reasons.STORE_UNREACHABLE
        if reason is not None:
            async with services.database.writing() as transaction:
                await refuse_thumbnail(transaction, each.row, reason)
    if to_retry:
        args = MakeThumbnailsArgs(items=to_retry, frame=frame, tries=tries + 1)
        async with services.database.writing() as transaction:
            delay = DELAYS[min(tries, len(DELAYS) - 1)]
            await services.queue.enqueue(transaction, MAKE_THUMBNAILS, args, delay=delay)


async def _make(
    services: Services, prober: Prober, wanted: WantedThumbnail
) -> ThumbnailUnavailableReason | None:
    """Draw and store thumbnails, or return why the file cannot be drawn.

    Raises:
        ChildKilled: The process that draws was killed from outside.
        MediaError: The file cannot be decoded, or drawing it exceeds a limit.
        FetchError: A file elsewhere cannot be fetched.
        MissingObject: The object does not exist.
        SiteFault: The store or the integration's cloud is away.
    """
    try:
        item = wanted.item
        elsewhere = integration_access(services, item.integration_uuid)
        opened = readable_file(
            services, item.object_key, item.file_size, item.url, item.integration_uuid
        )
        async with elsewhere, opened as file:
            reading = (item.time_series or {}).get("parsing")
            drawing = await prober.draw(file, wanted.row.item_type, wanted.row.frame, reading)
    except NoSuchFrame:
        return ThumbnailUnavailableReason.NO_SUCH_FRAME
    for size, data in drawing.thumbnails.items():
        key = thumbnail_key(wanted.row.object_key, size)
        await services.store.put(key, data, MIME_TYPE)
    async with services.database.writing() as transaction:
        await save_thumbnail(transaction, services.queue, wanted.row, drawing.width, drawing.height)
    return None
