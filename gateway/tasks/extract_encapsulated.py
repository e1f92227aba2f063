"""PDFs and videos inside DICOM files are copied out of them, as files of their own."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

import structlog

from gateway.catalog.integration_access import integration_access
from gateway.catalog.ledger.encapsulated_files import (
    FileToExtract,
    enqueue_extraction,
    find_extraction,
    give_up_extraction,
    note_extracted,
)
from gateway.context import Services
from gateway.fetching.errors import FetchError
from gateway.media.errors import MediaError
from gateway.sandbox.prober import RangeSource
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import readable_file
from gateway.tasks.make_thumbnails import DELAYS
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame

STEP = 4 << 20
"""Bytes that are read at once."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocalRanges:
    """A file on this machine that is read in ranges."""

    path: Path
    size: int

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`."""

        def read_range() -> bytes:
            with self.path.open("rb") as file:
                file.seek(start)
                return file.read(stop - start)

        return await asyncio.to_thread(read_range)


async def extract_encapsulated(
    services: Services, *, item: str, object_key: str, tries: int = 0
) -> None:
    """Store the file inside a DICOM file under a key, unless it is stored already.

    `tries` is the number of failed attempts before this one. If the item was deleted, or its file
    replaced, what an attempt that was cut short may have stored is removed.

    Raises:
        SiteFault: the store or the integration's cloud is away.
    """
    uuid = UUID(hex=item)
    async with services.database.writing() as transaction:
        wanted = await find_extraction(transaction, uuid, object_key)
        if wanted is None:
            await give_up_extraction(transaction, services.queue, uuid, object_key)
            return
    if wanted.is_stored:
        return
    try:
        if is_to_blame():
            raise MediaError(STOPPED_WORKERS)
        await _store(services, wanted)
    except (FetchError, MissingObject, MediaError) as error:
        async with services.database.writing() as transaction:
            if isinstance(error, FetchError) and error.is_transient and tries < len(DELAYS):
                await enqueue_extraction(
                    transaction, services.queue, uuid, object_key, tries + 1, DELAYS[tries]
                )
                return
            log.info("file_not_extracted", item=str(uuid), reason=str(error))
            await give_up_extraction(transaction, services.queue, uuid, object_key)
        return
    async with services.database.writing() as transaction:
        await note_extracted(transaction, services.queue, uuid, object_key)


async def _store(services: Services, wanted: FileToExtract) -> None:
    """Copy a file out of a DICOM file into the store.

    Raises:
        FetchError: a DICOM file elsewhere cannot be fetched.
        MissingObject: the DICOM file does not exist any more.
        MediaError: it has become shorter.
        SiteFault: the store or the integration's cloud is away.
    """
    opened = readable_file(
        services, wanted.object_key, wanted.file_size, wanted.url, wanted.integration_uuid
    )
    # Closed below, in a thread.
    copy = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115
    try:
        async with integration_access(services, wanted.integration_uuid), opened as file:
            source = LocalRanges(file, file.stat().st_size) if isinstance(file, Path) else file
            await copy_ranges(source, wanted.ranges, copy)
        await asyncio.to_thread(copy.flush)
        await services.store.put_file(wanted.key, Path(copy.name), wanted.mime_type)
    finally:
        await asyncio.shield(asyncio.to_thread(copy.close))


async def copy_ranges(
    source: RangeSource, ranges: Sequence[tuple[int, int]], target: IO[bytes]
) -> None:
    """Append ranges of a file, which are in order and close together, to another one.

    Raises:
        MediaError: the file ends before them.
    """
    start, end = ranges[0][0], ranges[-1][1]
    while start < end:
        window = await source.read(start, min(start + STEP, end))
        parts = [window[max(0, first - start) : max(0, last - start)] for first, last in ranges]
        await asyncio.to_thread(target.write, b"".join(parts))
        start += len(window)
        if not window:
            raise MediaError("the file is shorter than when it was read")
