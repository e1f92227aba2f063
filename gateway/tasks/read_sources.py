"""Reading the files of a unit: what they are, what is wrong with them, or that we could not tell."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from gateway.catalog.ingestion.finish_items import ReadSource
from gateway.context import Services
from gateway.fetching.errors import FetchError
from gateway.fetching.remote import RemoteFile
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.media.errors import MediaError
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import local_copy, readable_url

_NAMED = 5
"""How many files at fault a unit's error names."""

_REMOVED = "An item that it was to consist of was removed while the job ran."
_MISSING = "there are no bytes: they were not sent, or the placeholder was removed meanwhile."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadUnit:
    """A unit whose files have been read. `error` says what is wrong with them.

    `failed` says that we could not do it, and may another time; its `error` is for the case that we never can.
    `video` is what an image sequence plays.
    """

    unit: Any
    sources: Sequence[ReadSource] = ()
    error: str | None = None
    failed: bool = False
    video: ReadSource | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of an image sequence: where it lies, and its size in pixels."""

    place: str
    elsewhere: bool
    width: int
    height: int
    integration_uuid: UUID | None

    @classmethod
    def of_source(cls, source: ReadSource) -> "Frame":
        """A file of the unit."""
        size = source.facts["width"], source.facts["height"]
        return cls(
            source.place, source.elsewhere, *size, source.integration and source.integration.uuid
        )

    @classmethod
    def of_item(cls, row: Any) -> "Frame":
        """An image that was there before."""
        return cls(
            row.object_key or row.url,
            row.object_key is None,
            row.width,
            row.height,
            row.integration_uuid,
        )


class Reader:
    """Reads some files at once: those in our own store from a copy if need be, others where they lie."""

    def __init__(self, services: Services, prober: Prober, encoder: Encoder, at_once: int) -> None:
        self._services = services
        self._encoder = encoder
        self._prober = prober
        self._places = asyncio.Semaphore(at_once)
        self._places_elsewhere = asyncio.Semaphore(
            at_once
        )  # a slow server makes nobody wait whose file is here

    async def read(
        self, unit: Any, expected: Mapping[UUID, Any], members: Mapping[UUID, Any]
    ) -> ReadUnit:
        """Read all files of a unit; never raises but to be cancelled.

        Its uploads are among `expected` and the items that it is to consist of among `members`, by item.
        """
        kind = StorageItemType(unit.spec["item_type"])
        kind = ITEM_KINDS[kind].member_type or kind
        try:
            async with asyncio.TaskGroup() as group:
                reading = [
                    group.create_task(
                        self._source(kind, expected.get(UUID(hex=source["item_uuid"])), source)
                    )
                    for source in unit.spec["sources"]
                ]
        except ExceptionGroup as failures:
            return _failed(unit, "unit_not_read", failures.exceptions)
        read = _together(unit, [task.result() for task in reading])
        return (
            read
            if read.error or not unit.spec.get("video")
            else await self._filmed(read, expected, members)
        )

    async def _filmed(
        self, read: ReadUnit, expected: Mapping[UUID, Any], members: Mapping[UUID, Any]
    ) -> ReadUnit:
        """An image sequence with its video, or with what is wrong with that."""
        unit = read.unit
        upload = expected.get(UUID(hex=unit.spec["video"]))
        there = [members.get(UUID(hex=uuid)) for uuid in unit.spec["members"]]
        if upload is None or None in there:
            return replace(read, error=_REMOVED)
        frames = [
            *(Frame.of_source(source) for source in read.sources),
            *(Frame.of_item(row) for row in there),
        ]
        try:
            facts = await self._film(frames, upload)
        except (MediaError, MissingObject) as error:
            return replace(read, error=f"{upload.file_name}: {error}.")
        except Exception as error:
            return _failed(unit, "sequence_not_filmed", [error])
        source = ReadSource(
            upload.item_uuid, upload.object_key, facts, unit.title, unit.spec["client_metadata"]
        )
        return replace(read, video=source)

    async def _film(self, frames: Sequence[Frame], upload: Any) -> dict[str, Any]:
        """Make a film of the frames, one copy at a time, and store it; what it is."""
        async with self._encoder.encode_frames(
            max(one.width for one in frames), max(one.height for one in frames)
        ) as film:
            for frame in frames:
                async with local_copy(
                    self._services, frame.place, frame.elsewhere, frame.integration_uuid
                ) as path:
                    await film.add_frame(path)
            await film.finish()
            facts = asdict(
                await self._prober.probe(film.path, StorageItemType.VIDEO, upload.file_name)
            )
            await self._services.store.put_file(
                upload.object_key, film.path, self._encoder.mime_type
            )
        return facts

    async def _source(
        self, kind: StorageItemType, upload: Any, source: Mapping[str, Any]
    ) -> ReadSource | str:
        """A file, or what is wrong with it."""
        if upload is None:
            return "A placeholder was removed before its file was read."
        place = upload.source_url or upload.stored_key or upload.object_key
        elsewhere, integration = upload.source_url is not None, None
        try:
            async with self._places_elsewhere if elsewhere else self._places:
                if elsewhere:
                    url, integration = await readable_url(
                        self._services, upload.source_url, upload.integration_uuid
                    )
                    facts = await self._facts_elsewhere(
                        url, kind, upload.file_name, source["facts"]
                    )
                else:
                    facts = await self._facts_here(place, kind, upload.file_name, source["facts"])
            _check_declared(upload, facts)
            facts = _with_settings(facts, source.get("settings"))
        except MissingObject:
            return f"{upload.file_name}: {_MISSING}"
        except MediaError as error:
            return f"{upload.file_name}: {error}."
        except FetchError as error:
            said = f"{upload.file_name}: {error}"
            if error.is_transient:
                raise FetchError(error.code, said) from None
            return said
        title, metadata = source["title"], source["client_metadata"]
        return ReadSource(upload.item_uuid, place, facts, title, metadata, elsewhere, integration)

    async def _facts_here(
        self, key: str, kind: StorageItemType, name: str, provided: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """What an object in our own store is."""
        async with self._services.store.local(key) as path:
            return await self._facts(path, kind, name, provided)

    async def _facts_elsewhere(
        self, url: str, kind: StorageItemType, name: str, provided: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """What a file elsewhere is; only what must be seen of it is fetched, of facts that are given but the size."""
        fetcher = self._services.fetcher
        if provided is not None:
            span = await fetcher.read_range(url, 0, 1)
            size = provided.get("file_size") if span.total is None else span.total
            return _trusted(provided, None, size)
        if remote := await RemoteFile.open(fetcher, url, self._services.settings.fetch_bytes):
            return asdict(await self._prober.probe(remote, kind, name))
        async with fetcher.local_copy(url) as path:
            return asdict(await self._prober.probe(path, kind, name))

    async def _facts(
        self, path: Path, kind: StorageItemType, name: str, provided: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """The facts in the file, or those that the client provided with only what we must see ourselves."""
        if provided is None:
            return asdict(await self._prober.probe(path, kind, name))
        return _trusted(provided, *await asyncio.to_thread(_digest, path))


def _failed(unit: Any, event: str, errors: Sequence[Exception]) -> ReadUnit:
    """A unit that we could not read now; that a server elsewhere fails is to be expected, and logged in a line."""
    said = next((str(error) for error in errors if isinstance(error, FetchError)), None)
    surprise = next((error for error in errors if not isinstance(error, FetchError)), None)
    log.warning(event, unit=str(unit.uuid), reason=said, exc_info=surprise)
    return ReadUnit(unit, error=said, failed=True)


def _trusted(provided: Mapping[str, Any], sha256: str | None, size: int | None) -> dict[str, Any]:
    """Facts that the client provided, with what we have seen ourselves."""
    if size == 0:
        raise MediaError("the file is empty")
    if provided.get("file_size", size) != size:
        raise MediaError(
            f"the file has {size:,} bytes, not {provided['file_size']:,} as its metadata says"
        )
    return {**provided, "sha256": sha256, "file_size": size}


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _with_settings(facts: Mapping[str, Any], settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The facts of a time series with how it is to be shown; it must have the columns that are to be drawn."""
    known = {column["name"] for column in (facts.get("time_series") or {}).get("columns", ())}
    for channel in (settings or {}).get("channels", ()):
        if channel["header"] not in known:
            raise MediaError(f"it has no column {channel['header']} that its settings could be for")
    return {**facts, "time_series_settings": settings}


def _check_declared(upload: Any, facts: Mapping[str, Any]) -> None:
    if upload.file_size not in (facts["file_size"], None):
        raise MediaError(
            f"the file has {facts['file_size']:,} bytes, not {upload.file_size:,} as was declared"
        )
    if upload.sha256 and upload.sha256 != facts["sha256"]:
        raise MediaError(f"the SHA-256 is {facts['sha256']}, not {upload.sha256} as was declared")


def _together(unit: Any, found: Sequence[ReadSource | str]) -> ReadUnit:
    """What is wrong with a file is wrong with its unit."""
    errors = [one for one in found if isinstance(one, str)]
    sources = [one for one in found if isinstance(one, ReadSource)]
    if not errors and unit.spec["item_type"] == StorageItemType.DICOM_SERIES:
        errors, sources = _series(sources)
    return ReadUnit(unit, sources, _summed_up(errors))


def _series(sources: list[ReadSource]) -> tuple[list[str], list[ReadSource]]:
    """What is wrong with a series, and its instances in the order of their numbers if all have one (ENC-UPDS)."""
    series = {source.facts["dicom_series_uid"] for source in sources}
    if len(series) > 1:
        return [f"The files are of {len(series)} series, not of one."], sources
    numbers = [source.facts["dicom_instance_number"] for source in sources]
    if None not in numbers:
        sources = [sources[place] for place in sorted(range(len(sources)), key=numbers.__getitem__)]
    return [], sources


def _summed_up(errors: Sequence[str]) -> str | None:
    more = [f"{len(errors) - _NAMED:,} more files are at fault."] if len(errors) > _NAMED else []
    return " ".join([*errors[:_NAMED], *more]) or None
