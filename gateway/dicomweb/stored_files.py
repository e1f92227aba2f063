"""The files of instances: their bytes, and the URLs from which clients get them."""

from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.url_holders import url_bounds
from gateway.catalog.integration_access import integration_access
from gateway.catalog.integrations import open_integration
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicomweb.instances import Instance
from gateway.dicomweb.media_types import DICOM
from gateway.errors import DomainError, ErrorCode
from gateway.fetching.errors import FetchError
from gateway.http.byte_requests import RefusedRequest
from gateway.models.items import items
from gateway.stores.base import MissingObject
from gateway.tasks.local_copies import readable_url

CHUNK = 1 << 20
"""Bytes that are read at once."""
_WINDOW = 64 << 10
_GONE = DomainError(ErrorCode.NOT_FOUND, "The bytes of the file are no longer there.")


class PhiRestricted(RefusedRequest):
    """Raised for bytes from a masked folder."""

    status = 403
    reason = "PHI_RESTRICTED"

    def __init__(self) -> None:
        message = "The folder is masked, and you have no `seesPhi` there: no bytes of its files."
        super().__init__(message, ErrorCode.FORBIDDEN)


class FileRow(NamedTuple):
    """The row of an instance's file: an object in the gateway's store, or a URL elsewhere."""

    uuid: UUID
    name: str
    file_size: int | None
    object_key: str | None
    url: str | None
    integration_uuid: UUID | None


class ByteSource(Protocol):
    """Bytes of which ranges can be read."""

    @property
    def size(self) -> int:
        """The number of bytes."""

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; fewer at the end."""


class StoredFile:
    """The file of an instance, wherever it is."""

    def __init__(self, context: Context, row: FileRow) -> None:
        self._services = context.services
        self._row = row
        self.size = row.file_size or 0
        self._bounds = url_bounds(context.services.settings, context.viewer)

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; fewer at the end.

        Raises:
            DomainError: the file is gone, or cannot be reached.
        """
        stop = min(stop, self.size)
        if start >= stop:
            return b""
        row, services = self._row, self._services
        try:
            if row.object_key is not None:
                return await services.store.read(row.object_key, start, stop)
            async with integration_access(services, row.integration_uuid):
                url, _ = await readable_url(services, row.url or "", row.integration_uuid)
                return (await services.fetcher.read_range(url, start, stop)).data
        except MissingObject:
            raise _GONE from None
        except FetchError as error:
            raise DomainError(error.code, error.message) from error

    async def signed_url(self) -> str:
        """Return the URL from which a client gets the file.

        Raises:
            DomainError: it cannot be reached.
        """
        row, services = self._row, self._services
        span = timedelta(seconds=services.settings.signed_url_seconds)
        if row.object_key is not None:
            signed = await services.store.sign_get(
                row.object_key, row.name, DICOM, span, bounds=self._bounds
            )
            return signed.url
        if row.url is None:
            raise _GONE
        if row.integration_uuid is None:
            return row.url
        try:
            _, cloud = await open_integration(services, row.integration_uuid)
            signed = await cloud.sign_get(
                cloud.locate(row.url), row.name, DICOM, span, bounds=self._bounds
            )
        except FetchError as error:
            raise DomainError(error.code, error.message) from error
        return signed.url


class Window:
    """A source of which a piece is kept, since elements are read one after the other.

    `least` is the number of bytes that are read at once.
    """

    def __init__(self, source: ByteSource, least: int = _WINDOW) -> None:
        self._source = source
        self._least = least
        self._start, self._data = 0, b""
        self.size = source.size

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; fewer at the end."""
        at = start - self._start
        if at < 0 or stop - self._start > len(self._data):
            self._start, at = start, 0
            self._data = await self._source.read(start, max(stop, start + self._least))
        return self._data[at : at + stop - start]


async def files_of(context: Context, instances: Sequence[Instance]) -> list[StoredFile]:
    """Return the files of instances, in their order.

    Raises:
        PhiRestricted: one of them is masked to the viewer.
        DomainError: a file has been deleted meanwhile.
    """
    if not all(each.is_shown for each in instances):
        raise PhiRestricted
    columns = [items.c[name] for name in FileRow._fields]
    uuids = [each.item_uuid for each in instances]
    chosen = sa.select(*columns).where(in_keys(items.c.uuid, uuids), ~items.c.is_tombstone)
    rows = {row.uuid: row for row in await context.database.rows(chosen, FileRow)}
    if not rows.keys() >= set(uuids):
        raise _GONE
    return [StoredFile(context, rows[uuid]) for uuid in uuids]


async def chunks_of(source: ByteSource, start: int, stop: int) -> AsyncGenerator[bytes, None]:
    """Yield a range of a file in chunks.

    Raises:
        DomainError: the file ends before.
    """
    while start < stop:
        chunk = await source.read(start, min(start + CHUNK, stop))
        if not chunk:
            raise _GONE
        yield chunk
        start += len(chunk)
