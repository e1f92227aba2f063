"""PDFs and videos inside DICOM files: signed URLs of what was extracted."""

import asyncio
from collections.abc import Collection
from pathlib import PurePath
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import batch
from gateway.kinds.dicom_object import FILE_EXTENSIONS, PDF, VIDEO_EXTENSIONS
from gateway.models.dicom import dicom_instances, encapsulated_files
from gateway.models.items import items
from gateway.stores.base import SignedRequest
from resolvers.identity import is_restricted
from resolvers.signed_urls import Lifetime, bounds_of, lifetime_of


class ExtractedFile(NamedTuple):
    """A file that was extracted from that of an item, whose name is `name`."""

    item_uuid: UUID
    mime_type: str
    object_key: str
    name: str

    @property
    def file_name(self) -> str:
        """The name under which it is downloaded."""
        return PurePath(self.name).stem + FILE_EXTENSIONS[self.mime_type]


@batch(dicom_instances.c.item_uuid, work=5)
async def pdf_url_of(
    context: Context, keys: list[UUID], *, lifetime: Lifetime = None
) -> list[SignedRequest | None]:
    """Sign URLs of the PDFs in the files of instances."""
    return await _signed(context, keys, [PDF], lifetime)


@batch(dicom_instances.c.item_uuid, work=5)
async def video_url_of(
    context: Context, keys: list[UUID], *, lifetime: Lifetime = None
) -> list[SignedRequest | None]:
    """Sign URLs of the videos in the files of instances."""
    return await _signed(context, keys, VIDEO_EXTENSIONS, lifetime)


async def _signed(
    context: Context, keys: list[UUID], mime_types: Collection[str], lifetime: int | None
) -> list[SignedRequest | None]:
    """Sign URLs of files of some types, which both fields load with the same statement."""
    span, bounds = lifetime_of(context, lifetime), bounds_of(context)

    async def load(loaded: list[UUID]) -> list[ExtractedFile | None]:
        known = encapsulated_files.c
        statement = (
            sa.select(known.item_uuid, known.mime_type, known.object_key, items.c.name)
            .join(items, items.c.uuid == known.item_uuid)
            .where(
                in_keys(known.item_uuid, loaded),
                known.is_stored,
                ~items.c.is_tombstone,
                ~is_restricted.expression(context.viewer),
            )
        )
        rows = await context.database.rows(statement, ExtractedFile)
        files = {row.item_uuid: ExtractedFile(*row) for row in rows}
        return [files.get(key) for key in loaded]

    loads = (context.loaders.load("extracted files", key, load) for key in keys)
    signed: list[SignedRequest | None] = []
    for file in await asyncio.gather(*loads):
        if file is None or file.mime_type not in mime_types:
            signed.append(None)
            continue
        signed.append(
            await context.services.store.sign_get(
                file.object_key, file.file_name, file.mime_type, span, is_inline=True, bounds=bounds
            )
        )
    return signed
