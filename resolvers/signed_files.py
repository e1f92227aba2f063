"""Files for which URLs are signed, whether an item or a revision has them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

import strawberry
import structlog

from gateway.catalog.integrations import find_integrations
from gateway.clouds.base import ObjectLocation
from gateway.clouds.cloud import Cloud
from gateway.context import Context
from gateway.fetching.errors import FetchError
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_types import UNNAMED_TYPE
from gateway.models.integrations import CloudIntegrationRecord
from gateway.stores.base import SignedRequest, expires_after
from gateway.stores.headers import inline_media_type
from resolvers.signed_urls import bounds_of, lifetime_of

SIGNED_AT_ONCE = 200
"""URLs that are signed before other tasks of the event loop run."""

log = structlog.get_logger(__name__)

Disposition = Annotated[
    SignedUrlDisposition,
    strawberry.argument(description="Whether browsers should show or save what the URL serves."),
]


class ServedFile(NamedTuple):
    """The attributes of a file that decide how it is served, if at all."""

    object_key: str | None
    url: str | None
    name: str
    item_type: StorageItemType
    mime_type: str | None
    text_encoding: str | None
    is_tombstone: bool
    integration_uuid: UUID | None
    is_restricted: bool


async def sign_files(
    context: Context,
    files: Sequence[ServedFile],
    lifetime: int | None,
    disposition: SignedUrlDisposition,
) -> list[SignedRequest | None]:
    """Return signed URLs of files; None for a file without an object that can be reached.

    The URL of a file elsewhere needs no signature, and is promised no longer than a signed one.
    """
    span, bounds = lifetime_of(context, lifetime), bounds_of(context)
    uuids = {file.integration_uuid for file in files if file.integration_uuid}
    integrations = await find_integrations(context.database, uuids)
    signed: list[SignedRequest | None] = []
    for file in files:
        mime, is_inline = _served_as(file, disposition)
        if len(signed) % SIGNED_AT_ONCE == SIGNED_AT_ONCE - 1:
            await asyncio.sleep(0)  # the disk store signs without waiting for anything
        if not file.url or file.is_tombstone or file.is_restricted:
            signed.append(None)
        elif file.object_key is not None:
            store = context.services.store
            signed.append(
                await store.sign_get(
                    file.object_key, file.name, mime, span, is_inline=is_inline, bounds=bounds
                )
            )
        elif file.integration_uuid is None:
            signed.append(SignedRequest(file.url, "GET", expires_after(span)))
        else:
            reached = await locate(context, integrations[file.integration_uuid], file.url)
            cloud, location = reached or (None, None)
            signed.append(
                await cloud.sign_get(
                    location, file.name, mime, span, is_inline=is_inline, bounds=bounds
                )
                if cloud and location
                else None
            )
    return signed


def _served_as(file: ServedFile, disposition: SignedUrlDisposition) -> tuple[str, bool]:
    """Return the media type with which content is served, and whether browsers may show it."""
    stored = file.mime_type or UNNAMED_TYPE
    if disposition is SignedUrlDisposition.ATTACHMENT:
        return stored, False
    is_unnamed_text = file.item_type is StorageItemType.PLAIN_TEXT and stored == UNNAMED_TYPE
    shown = inline_media_type("text/plain" if is_unnamed_text else stored, file.text_encoding)
    return shown or stored, shown is not None


async def locate(
    context: Context, integration: CloudIntegrationRecord, url: str
) -> tuple[Cloud, ObjectLocation] | None:
    """Return the cloud and location of an object.

    None if the integration cannot be used, or no longer covers the URL.
    """
    try:
        cloud = await context.services.clouds.for_integration(integration)
        return cloud, cloud.locate(url)
    except FetchError as error:
        log.warning("url_not_signed", integration=str(integration.uuid), reason=error.message)
        return None
