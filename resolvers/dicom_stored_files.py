"""Files of DICOM studies as the stores have them."""

import asyncio
from collections import Counter
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_series
from gateway.catalog.integrations import find_integrations
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.errors import DomainError, ErrorCode
from gateway.fetching.errors import FetchError
from gateway.models.dicom import dicom_instances, dicom_series
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import items

MAX_FILES = 1000
_AT_ONCE = 16
"""Requests to a store that are under way at the same time."""


class StudyFile(NamedTuple):
    """Where the file of a current instance is."""

    study_uuid: UUID
    object_key: str | None
    url: str | None
    integration_uuid: UUID | None


async def stored_files(context: Context, keys: list[UUID]) -> Counter[UUID]:
    """Return the numbers of files of studies that are in the stores now.

    Each file is asked for. Files at public URLs are counted without, since they are in no store.

    Raises:
        DomainError: `LIMIT_EXCEEDED`, there are more than 1,000.
    """
    selected = (
        sa.select(
            dicom_series.c.study_uuid, items.c.object_key, items.c.url, items.c.integration_uuid
        )
        .join(dicom_instances, dicom_instances.c.series_uuid == dicom_series.c.uuid)
        .join(items, items.c.uuid == dicom_instances.c.item_uuid)
        .where(
            in_keys(dicom_series.c.study_uuid, keys),
            dicom_instances.c.is_current.is_(True),
            sees_series(context.viewer),
        )
        .limit(MAX_FILES + 1)
    )
    files = await context.database.rows(selected, StudyFile)
    if len(files) > MAX_FILES:
        message = f"countFiles counts at most {MAX_FILES:,} files. Ask for fewer studies at once."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("countFiles",))
    integrations = await find_integrations(
        context.database, {file.integration_uuid for file in files if file.integration_uuid}
    )
    slots = asyncio.Semaphore(_AT_ONCE)

    async def exists(file: StudyFile) -> bool:
        async with slots:
            return await _is_stored(context, file, integrations)

    present = await asyncio.gather(*(exists(file) for file in files))
    return Counter(
        file.study_uuid for file, is_there in zip(files, present, strict=True) if is_there
    )


async def _is_stored(
    context: Context, file: StudyFile, integrations: dict[UUID, CloudIntegrationRecord]
) -> bool:
    """Return whether a store has a file now."""
    if file.object_key is not None:
        return await context.services.store.info(file.object_key) is not None
    if file.integration_uuid is None or file.url is None:
        return file.url is not None
    try:
        cloud = await context.services.clouds.for_integration(integrations[file.integration_uuid])
        await cloud.head(cloud.locate(file.url))
    except FetchError:
        return False
    return True
