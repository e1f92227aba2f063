"""Access to the bytes of files for tasks, wherever the files are."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from gateway.catalog.integration_access import integration_access
from gateway.catalog.integrations import open_integration
from gateway.context import Services
from gateway.fetching.remote import RemoteFile
from gateway.models.integrations import CloudIntegrationRecord
from gateway.sandbox.prober import RangeSource
from gateway.stores.base import ObjectStore

MAX_COPIED_SIZE = 16 << 20
"""Bytes of a stored file that is copied whole; of larger ones only what is needed is read."""


@dataclass(frozen=True, slots=True)
class StoredRanges:
    """A file in the gateway's own store that is read in ranges."""

    store: ObjectStore
    key: str
    size: int

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`."""
        return await self.store.read(self.key, start, stop)


@asynccontextmanager
async def local_copy(
    services: Services, location: str, is_remote: bool, integration_uuid: UUID | None
) -> AsyncIterator[Path]:
    """Yield a local path with the bytes of a file, which exists within the block.

    Args:
        location: a key in the gateway's own store, or the URL of a remote file.
        integration_uuid: the integration in whose store a remote file is, if it is in one.

    Raises:
        MissingObject: the object does not exist.
        FetchError: the remote file cannot be fetched.
        SiteFault: the store or the integration's cloud is away.
    """
    if not is_remote:
        async with services.store.local(location) as path:
            yield path
        return
    async with AsyncExitStack() as stack:
        async with integration_access(services, integration_uuid):
            url, _ = await readable_url(services, location, integration_uuid)
            path = await stack.enter_async_context(services.fetcher.local_copy(url))
        yield path


async def readable_url(
    services: Services, url: str, integration_uuid: UUID | None
) -> tuple[str, CloudIntegrationRecord | None]:
    """Return the URL from which to fetch a remote file, and the integration's row if it has one."""
    if integration_uuid is None:
        return url, None
    integration, cloud = await open_integration(services, integration_uuid)
    return await cloud.internal_url(cloud.locate(url)), integration


@asynccontextmanager
async def readable_file(
    services: Services,
    object_key: str | None,
    file_size: int | None,
    url: str,
    integration_uuid: UUID | None,
) -> AsyncIterator[Path | RangeSource]:
    """Yield the file of an item with these columns, of which no more is fetched than is needed.

    Raises:
        MissingObject: the object does not exist.
        FetchError: a file elsewhere cannot be fetched.
        SiteFault: the store or the integration's cloud is away.
    """
    if object_key is not None:
        if file_size and file_size > MAX_COPIED_SIZE:
            yield StoredRanges(services.store, object_key, file_size)
            return
        async with services.store.local(object_key) as path:
            yield path
        return
    url, _ = await readable_url(services, url, integration_uuid)
    limit = services.settings.fetch_bytes
    if remote := await RemoteFile.open(services.fetcher, url, limit):
        yield remote
        return
    async with services.fetcher.local_copy(url) as path:
        yield path
