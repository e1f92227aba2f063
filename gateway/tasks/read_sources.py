"""Reading of a unit's files: their facts, or why the unit fails, or that it must be tried again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from gateway.catalog.ingestion.finish_items import ReadSource
from gateway.catalog.ingestion.finish_units import ReadUnit
from gateway.catalog.ingestion.unit_plan import UnitSource, from_spec
from gateway.catalog.integration_access import integration_access
from gateway.context import Services
from gateway.database.outages import is_outage
from gateway.error_texts import about_file
from gateway.fetching.errors import FetchError
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.media_formats import name_for_type
from gateway.media.checksums import checksums_of
from gateway.media.errors import MediaError
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import ItemRecord
from gateway.models.uploads import UploadRecord, UploadUnitRecord
from gateway.queues.own_faults import is_own_fault
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.sandbox.remote_reader import RemoteOptions, RemoteReader
from gateway.site_faults import find_site_fault
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import local_copy, readable_url
from gateway.tasks.site_waits import outlast_faults
from gateway.tasks.unit_rows import UnitRows
from gateway.telemetry.calls import measure_calls
from gateway.telemetry.slow_work import SLOW_SECONDS, noting_slow
from gateway.web_addresses import without_credentials

_REMOTE_SHARE = 4
"""Files elsewhere that are read at a time for each uploaded one."""
MAX_NAMED_FILES = 5
"""Files that the error of a unit names."""
MEMBER_DELETED = "An item of the group was deleted while the job ran."
KILLED = (
    "The process that works on the file was killed from outside, as happens when memory runs out."
)
UNEXPECTED = "processing failed unexpectedly"
_NAME_THE_KIND = (
    "A file that Storegraph cannot read must be listed in the section of its kind, with its facts."
)
_MISSING = "no bytes were uploaded, or the placeholder was removed while the job ran"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """An image of a sequence: where it is, and its size in pixels."""

    location: str
    is_remote: bool
    integration_uuid: UUID | None
    width: int
    height: int


class SourceReader:
    """Reads a limited number of files at a time.

    Remote files have a limit of their own, so that slow servers do not delay uploaded files; it is
    higher, as most of the time is spent waiting for servers.
    """

    def __init__(
        self,
        services: Services,
        prober: Prober,
        encoder: Encoder,
        concurrency: int,
    ) -> None:
        settings = services.settings
        self._services = services
        self._encoder = encoder
        self._prober = prober
        fetched = settings.fetch_ports, settings.fetch_allowed, settings.fetch_bytes
        options = RemoteOptions(*fetched, settings.fetch_seconds, prober.limits)
        self._remote = measure_calls(RemoteReader(options), "fetch", ("read",), (MediaError,))
        self._uploaded_slots = asyncio.Semaphore(concurrency)
        self._remote_slots = asyncio.Semaphore(_REMOTE_SHARE * concurrency)

    async def close(self) -> None:
        """End the process that reads remote files."""
        await self._remote.close()

    async def read(self, unit: UploadUnitRecord, rows: UnitRows) -> ReadUnit:
        """Read all files of a unit. It raises nothing but outages of the database."""
        plan = from_spec(unit.spec, unit.title)
        try:
            results = await self._read_all(plan.sources, rows, unit.uuid)
        except ExceptionGroup as failures:
            return _must_retry(ReadUnit(unit, plan), "reading", failures.exceptions)
        except Exception as failure:
            return _must_retry(ReadUnit(unit, plan), "reading", [failure])
        errors = [result for result in results if isinstance(result, str)]
        sources = [result for result in results if isinstance(result, ReadSource)]
        if plan.item_type is StorageItemType.DICOM_SERIES and not errors:
            series = {source.facts.dicom_series_uid for source in sources}
            if len(series) > 1:
                errors = [f"The files belong to {len(series)} series instead of one."]
            if all(source.facts.dicom_instance_number is not None for source in sources):
                sources.sort(key=lambda source: source.facts.dicom_instance_number or 0)
        if len(errors) > MAX_NAMED_FILES:
            unnamed = len(errors) - MAX_NAMED_FILES
            errors[MAX_NAMED_FILES:] = [f"{unnamed:,} more files failed."]
        read = ReadUnit(unit, plan, sources, error=" ".join(errors) or None)
        if read.error or not plan.video_uuid:
            return read
        return await self._with_video(read, rows.uploads.get(plan.video_uuid), rows.members)

    async def read_item(self, row: ItemRecord) -> MediaFacts:
        """Read the file of an existing item again.

        Raises:
            MissingObject: its bytes are not in the store.
            MediaError: the file is not what it should be.
            FetchError: the remote file cannot be fetched.
        """
        is_sequence = row.item_type is StorageItemType.IMAGE_SEQUENCE
        item_type = StorageItemType.VIDEO if is_sequence else row.item_type
        parsing = (row.time_series or {}).get("given")
        source = UnitSource((), item_type, row.uuid, None, None, None, None, parsing=parsing)
        name = name_for_type(row.mime_type)
        if row.object_key is not None:
            async with self._uploaded_slots, self._services.store.local(row.object_key) as path:
                return await self._local_facts(path, source, name)
        async with self._remote_slots:
            url, _ = await readable_url(self._services, row.url or "", row.integration_uuid)
            facts, _ = await self._remote_facts(url, source, name)
            return facts

    async def _read_all(
        self, sources: Sequence[UnitSource], rows: UnitRows, unit_uuid: UUID
    ) -> list[ReadSource | str]:
        """Read the files of a unit at the same time; see `_read_source`.

        Raises:
            ExceptionGroup: some of several files cannot be read now.
        """
        if len(sources) == 1:  # as most units have
            return [await self._read_source(sources[0], rows, unit_uuid)]
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._read_source(source, rows, unit_uuid)) for source in sources
            ]
        return [task.result() for task in tasks]

    async def _read_source(
        self,
        source: UnitSource,
        rows: UnitRows,
        unit_uuid: UUID,
    ) -> ReadSource | str:
        """Read one file, or return the message for the user if it cannot be used.

        Raises:
            Exception: the file cannot be read now, for reasons other than the file.
        """
        upload = rows.uploads.get(source.placeholder_uuid) if source.placeholder_uuid else None
        if upload is None:
            return "A placeholder was removed before its file was read."
        location, is_remote = _location_of(upload), upload.source_url is not None
        if source.item_type is None:
            source = replace(source, item_type=upload.item_type)
        slots = self._remote_slots if is_remote else self._uploaded_slots
        try:
            async with slots:
                with noting_slow(partial(_log_slow, unit_uuid, upload)):
                    facts, modified, integration = await self._read_upload(source, upload, rows)
            _check(source, upload, facts)
        except MissingObject:
            return about_file(upload.file_name, _MISSING)
        except MediaError as error:
            return about_file(upload.file_name, error)
        except FetchError as error:
            message = about_file(upload.file_name, error)
            if error.is_transient:
                raise FetchError(error.code, message) from None
            return message if source.item_type else f"{message} {_NAME_THE_KIND}"
        item_type = facts.kind or source.item_type
        assert item_type  # facts are declared for a named kind
        moment = source.source_modified_at or modified
        given = source.title, source.client_metadata, source.settings, moment
        return ReadSource(
            upload.item_uuid, item_type, location, facts, *given, is_remote, integration
        )

    async def _read_upload(
        self, source: UnitSource, upload: UploadRecord, rows: UnitRows
    ) -> tuple[MediaFacts, datetime | None, CloudIntegrationRecord | None]:
        """Read the file of an upload; return its facts, and of a remote file also two more values.

        They are when it was last modified, if known, and the integration in whose store it is.
        """
        url, name = _location_of(upload), upload.file_name
        if upload.source_url is None:
            async with self._services.store.local(url) as path:
                return await self._local_facts(path, source, name, upload.mime_type), None, None
        async with integration_access(self._services, upload.integration_uuid):
            integration: CloudIntegrationRecord | None = None
            if opened := rows.integration_of(upload):
                integration, cloud = opened
                url = await cloud.internal_url(cloud.locate(url))
            return *await self._remote_facts(url, source, name), integration

    async def _local_facts(
        self, path: Path, source: UnitSource, name: str, declared_type: str = ""
    ) -> MediaFacts:
        """Probe an uploaded file, or only hash it if the client provided its facts."""
        if source.facts is None:
            return await self._prober.probe(
                path, source.item_type, name, source.parsing, declared_type
            )

        sha256, crc32, size = await asyncio.to_thread(checksums_of, path)
        return replace(_provided_facts(source.facts, sha256, size), crc32=crc32)

    async def _remote_facts(
        self, url: str, source: UnitSource, name: str
    ) -> tuple[MediaFacts, datetime | None]:
        """Read a remote file, or only fetch its size if the client provided its facts.

        The second value is when the file was last modified, if the server says so.
        """
        if source.facts is not None:
            span = await self._services.fetcher.read_range(url, 0, 1)
            size = source.facts.get("file_size") if span.total is None else span.total
            return _provided_facts(source.facts, None, size), span.last_modified
        return await self._remote.read(url, source.item_type, name, source.parsing)

    async def _with_video(
        self, read: ReadUnit, upload: UploadRecord | None, members: Mapping[UUID, ItemRecord]
    ) -> ReadUnit:
        """Encode and store the video of an image sequence, whose files have been read.

        The images are copied one at a time.
        """
        if upload is None or any(uuid not in members for uuid in read.members):
            return replace(read, error=MEMBER_DELETED)
        frames = _frames(read.sources, [members[uuid] for uuid in read.members])
        width = max(frame.width for frame in frames)
        height = max(frame.height for frame in frames)
        try:
            async with self._encoder.encode_frames(width, height) as video:
                for frame in frames:
                    async with local_copy(
                        self._services, frame.location, frame.is_remote, frame.integration_uuid
                    ) as path:
                        await video.add_frame(path)
                await video.finish()
                facts = await self._prober.probe(
                    video.path, StorageItemType.VIDEO, upload.file_name
                )
                key, mime_type = upload.object_key, self._encoder.mime_type
                put = partial(self._services.store.put_file, key, video.path, mime_type)
                await outlast_faults(self._services, read.unit.job_uuid, put)
        except (MediaError, MissingObject) as error:
            return replace(read, error=about_file(upload.file_name, error))
        except Exception as error:
            return _must_retry(read, "encoding", [error])
        item = ReadSource(
            item_uuid=upload.item_uuid,
            item_type=StorageItemType.IMAGE_SEQUENCE,
            location=upload.object_key,
            facts=facts,
            title=read.unit.title,
            client_metadata=read.plan.client_metadata,
        )
        return replace(read, video=item)


def _location_of(upload: UploadRecord) -> str:
    """Return the URL of a remote file, or the key of an uploaded one."""
    return upload.source_url or upload.stored_key or upload.object_key


def _log_slow(unit_uuid: UUID, upload: UploadRecord) -> None:
    """Log that reading a file takes long; the task has bound the job."""
    log.info(
        "unit_is_slow",
        unit=unit_uuid,
        item=upload.item_uuid,
        url=without_credentials(upload.source_url) if upload.source_url else None,
        size=upload.file_size,
        seconds=SLOW_SECONDS,
    )


def _frames(sources: Sequence[ReadSource], members: Sequence[ItemRecord]) -> list[Frame]:
    """Return the images of a sequence in order: files of the job, then existing items."""
    frames = [
        Frame(
            source.location,
            source.is_remote,
            source.integration_uuid,
            source.facts.width or 0,
            source.facts.height or 0,
        )
        for source in sources
    ]
    for row in members:
        location, is_remote = row.object_key or row.url or "", row.object_key is None
        size = row.width or 0, row.height or 0
        frames.append(Frame(location, is_remote, row.integration_uuid, *size))
    return frames


def _must_retry(read: ReadUnit, step: str, errors: Sequence[Exception]) -> ReadUnit:
    """Log why a unit could not be read, and return it to be tried again.

    If it is a fault of our own, the unit fails, as it would again. Failures of remote servers are
    expected: they are logged without a traceback, and are the reason that the user sees. Faults of
    the site are logged once for all units.
    """
    if outage := next(filter(is_outage, errors), None):
        raise outage
    if site_fault := next(filter(None, map(find_site_fault, errors)), None):
        message = site_fault.message
        return ReadUnit(read.unit, read.plan, error=message, must_retry=True, fault=site_fault)
    fault = next((error for error in errors if is_own_fault(error)), None)
    if fault:
        job, unit = read.unit.job_uuid, read.unit.uuid
        log.error("unit_not_read", job=job, unit=unit, step=step, exc_info=fault)
        message = f"{UNEXPECTED.capitalize()}: the log of the worker says why."
        return ReadUnit(read.unit, read.plan, error=message)
    reason = next((str(error) for error in errors if isinstance(error, FetchError)), None)
    if any(isinstance(error, ChildKilled) for error in errors):
        reason = KILLED
    known = FetchError, ChildKilled
    unexpected = next((error for error in errors if not isinstance(error, known)), None)
    log.warning(
        "unit_will_be_retried",
        job=read.unit.job_uuid,
        unit=read.unit.uuid,
        step=step,
        error=reason,
        exc_info=unexpected,
    )
    return ReadUnit(read.unit, read.plan, error=reason, must_retry=True)


def _provided_facts(
    provided: Mapping[str, Any], sha256: str | None, size: int | None
) -> MediaFacts:
    """Return the facts that the client provided, with the digest and size that were observed."""
    if size == 0:
        raise MediaError("the file is empty")
    if provided.get("file_size", size) != size:
        raise MediaError(
            f"the file has {size:,} bytes, but {provided['file_size']:,} were declared in "
            "its metadata"
        )
    return MediaFacts(**{**provided, "sha256": sha256, "file_size": size})


def _check(source: UnitSource, upload: UploadRecord, facts: MediaFacts) -> None:
    """Raise a `MediaError` if a file is not as its placeholder and its display settings say."""
    if upload.file_size not in (facts.file_size, None):
        raise MediaError(
            f"the file has {facts.file_size:,} bytes, but {upload.file_size:,} were declared"
        )
    if upload.sha256 and upload.sha256 != facts.sha256:
        raise MediaError(f"the SHA-256 is {facts.sha256}, but {upload.sha256} was declared")
    columns = {column["name"] for column in (facts.time_series or {}).get("columns", ())}
    for channel in (source.settings or {}).get("channels", ()):
        if channel["header"] not in columns:
            raise MediaError(
                f'the display settings refer to the column "{channel["header"]}", '
                "which the file does not have"
            )
