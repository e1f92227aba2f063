"""Copies of files on this machine's disk, wherever they lie, for as long as they are read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from gateway.catalog.integrations import open_integration
from gateway.context import Services


@asynccontextmanager
async def local_copy(
    services: Services, place: str, elsewhere: bool, integration_uuid: UUID | None
) -> AsyncIterator[Path]:
    """The bytes under a key of ours, or of a URL elsewhere, perhaps in a store that an integration describes.

    Raises:
        MissingObject, FetchError: they are not there, or cannot be had now.
    """
    if not elsewhere:
        opened = services.store.local(place)
    else:
        url, _ = await readable_url(services, place, integration_uuid)
        opened = services.fetcher.local_copy(url)
    async with opened as path:
        yield path


async def readable_url(
    services: Services, url: str, integration_uuid: UUID | None
) -> tuple[str, Any]:
    """The URL by which a file elsewhere can be read, and the row of the integration in whose store it lies."""
    if integration_uuid is None:
        return url, None
    integration, cloud = await open_integration(services, integration_uuid)
    return await cloud.internal_url(cloud.locate(url)), integration
