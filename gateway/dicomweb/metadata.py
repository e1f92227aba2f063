"""Responses with the metadata of instances (WADO-RS), sent as they are read."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from starlette.responses import Response

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicomweb.attributes import ATTRIBUTES, SearchLevel
from gateway.dicomweb.documents import SYNTAX, metadata_text
from gateway.dicomweb.elements import element
from gateway.dicomweb.endpoint import Exchange
from gateway.dicomweb.instances import Instance, find_instances
from gateway.dicomweb.scope import find_scope
from gateway.dicomweb.searching import required_json_type
from gateway.http.compression import VARIES, accepts_gzip
from gateway.models.dicom import dicom_tags

_BATCH, _BATCH_FRAMES = 250, 5_000
"""Documents that are read with one statement, and frames of which they may tell."""
_SLICE = 20
"""Documents that are made before other tasks run: about a millisecond."""
_GZIP = 31
_STUDY_TAGS = {
    each.column: each.tag for each in ATTRIBUTES if each.level is SearchLevel.STUDY and each.column
}


class _TagsRow(NamedTuple):
    item_uuid: UUID
    document: bytes


async def respond_with_metadata(exchange: Exchange) -> Response:
    """Respond with the metadata of the instances that the path names."""
    media_type = required_json_type(exchange)
    scope = await find_scope(exchange.context, exchange.folder_uuid)
    instances = await find_instances(exchange.context, scope, exchange.target)
    exchange.charge(len(instances))
    body = documents_of(exchange.context, instances, exchange.base)
    headers = dict(VARIES)
    if accepts_gzip(exchange.request.headers.get("accept-encoding")):
        body = compressed_chunks(body)
        headers["content-encoding"] = "gzip"
    return await exchange.stream(body, media_type, headers)


async def documents_of(
    context: Context, instances: Sequence[Instance], base: str
) -> AsyncIterator[bytes]:
    """Yield a JSON list of documents in pieces."""
    separator = b"["
    for batch in batches_of(instances):
        chosen = sa.select(dicom_tags.c.item_uuid, dicom_tags.c.document).where(
            in_keys(dicom_tags.c.item_uuid, [each.item_uuid for each in batch])
        )
        rows = await context.database.rows(chosen, _TagsRow)
        documents = {row.item_uuid: row.document for row in rows}
        for first in range(0, len(batch), _SLICE):
            pieces = [
                document_of(each, documents.get(each.item_uuid), base)
                for each in batch[first : first + _SLICE]
            ]
            yield separator + b",".join(pieces)
            separator = b","
            await asyncio.sleep(0)
    yield b"]"


def batches_of(instances: Sequence[Instance]) -> Iterator[Sequence[Instance]]:
    """Yield instances whose documents fit into memory together."""
    start, frames = 0, 0
    for index, instance in enumerate(instances):
        frames += instance.frames or 1
        if index > start and (index - start == _BATCH or frames > _BATCH_FRAMES):
            yield instances[start:index]
            start, frames = index, instance.frames or 1
    yield instances[start:]


def document_of(instance: Instance, packed: bytes | None, base: str) -> bytes:
    """Return the metadata of an instance; only its UIDs if its file has not been read yet."""
    if packed is None:
        uids = {
            "00080016": instance.sop_class_uid,
            "00080018": instance.sop_instance_uid,
            SYNTAX: instance.transfer_syntax_uid,
            "0020000D": instance.study_uid,
            "0020000E": instance.series_uid,
        }
        return orjson.dumps({tag: element(tag, uid) for tag, uid in uids.items() if uid})
    return metadata_text(
        packed,
        instance.url(base),
        instance.transfer_syntax_uid,
        corrected_elements(instance.corrections) if instance.corrections else {},
        is_masked=not instance.is_shown,
    )


def corrected_elements(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the elements of attributes that were set by hand."""
    return {
        tag: element(tag, values[column]) for column, tag in _STUDY_TAGS.items() if column in values
    }


async def compressed_chunks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks compressed by gzip."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    async for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()
