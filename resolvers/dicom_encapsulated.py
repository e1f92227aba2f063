"""PDFs and videos inside DICOM files: signed URLs, and requests for those that are elsewhere."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ledger.encapsulated_files import enqueue_extraction
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import batch
from gateway.execution.keysets import KEYS
from gateway.kinds.dicom_object import FILE_EXTENSIONS, PDF, VIDEO_EXTENSIONS
from gateway.models.dicom import dicom_instances, encapsulated_files
from gateway.models.items import items
from gateway.stores.base import SignedRequest
from resolvers.identity import is_restricted
from resolvers.signed_urls import Lifetime, bounds_of, lifetime_of


class ExtractedFile(NamedTuple):
    """A file that was extracted, or is to be, from that of an item, whose name is `name`."""

    item_uuid: UUID
    mime_type: str
    object_key: str
    is_stored: bool
    name: str
    is_elsewhere: bool

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


@kept_statement(ExtractedFile)
def files_inside(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the files inside those of instances that are not restricted."""
    known = encapsulated_files.c
    is_elsewhere = items.c.object_key.is_(None).label("is_elsewhere")
    columns = known.item_uuid, known.mime_type, known.object_key, known.is_stored, items.c.name
    return (
        sa.select(*columns, is_elsewhere)
        .join(items, items.c.uuid == known.item_uuid)
        .where(
            in_bound_keys(known.item_uuid, KEYS),
            ~items.c.is_tombstone,
            ~is_restricted.expression(viewer),
        )
    )


async def _signed(
    context: Context, keys: list[UUID], mime_types: Collection[str], lifetime: int | None
) -> list[SignedRequest | None]:
    """Sign URLs of files of some types, which both fields load with the same statement."""
    span, bounds = lifetime_of(context, lifetime), bounds_of(context)

    async def load(loaded: list[UUID]) -> list[ExtractedFile | None]:
        rows = await files_inside.rows(context.database, context.viewer, loaded)
        files = {row.item_uuid: row for row in rows}
        return [files.get(key) for key in loaded]

    loads = (context.loaders.load("extracted files", key, load) for key in keys)
    files: list[ExtractedFile | None] = await asyncio.gather(*loads)
    wanted = [file for file in files if file and file.mime_type in mime_types]
    await _request(context, [file for file in wanted if file.is_elsewhere and not file.is_stored])
    urls = {
        file.item_uuid: await context.services.store.sign_get(
            file.object_key, file.file_name, file.mime_type, span, is_inline=True, bounds=bounds
        )
        for file in wanted
        if file.is_stored
    }
    return [urls.get(key) for key in keys]


async def _request(context: Context, files: Sequence[ExtractedFile]) -> None:
    """Let files be extracted, unless they were requested lately: clients ask until they are."""
    recent = context.services.requested_extractions
    new = set(recent.unknown(file.object_key for file in files))
    if not new:
        return
    async with context.database.writing() as transaction:
        for file in files:
            if file.object_key in new:
                await enqueue_extraction(
                    transaction, context.services.queue, file.item_uuid, file.object_key
                )
    recent.note(new)
