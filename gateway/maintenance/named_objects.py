"""The objects that the database names, in the order of their keys.

Rows are read in pages, so that neither memory nor a transaction grows with the site.
"""

import heapq
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.catalog.ledger.thumbnails import thumbnail_key
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.kinds.enums import DicomJobUnitStatus, ReencodeUnitStatus
from gateway.kinds.thumbnail_sizes import ThumbnailSize, stored_size
from gateway.models.dicom import encapsulated_files
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.items import items, stored_objects
from gateway.models.reencoding import reencode_units, renditions
from gateway.models.revisions import bitstreams
from gateway.models.thumbnails import thumbnails
from gateway.models.uploads import manifests, uploads

PAGE = 1_000
"""Rows that are read at once."""


class Use(Enum):
    """Purpose of an object."""

    CONTENT = "content"
    ENCAPSULATED = "encapsulated"
    MANIFEST = "manifest"
    THUMBNAIL = "thumbnail"
    UPLOAD = "upload"
    RENDITION = "rendition"


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object that rows of the database name.

    Attributes:
        file_size: its size in bytes, if the database has it, as it has the checksum `sha256`.
        must_exist: whether it is in the store, unless something has gone wrong.
        is_referenced: whether anything refers to the row.
        is_lost: whether the database knows that the object is lost.
    """

    key: str
    use: Use
    must_exist: bool = False
    is_referenced: bool = True
    is_lost: bool = False
    file_size: int | None = None
    sha256: str | None = None


class _Source(NamedTuple):
    """Rows that name objects: the column of their keys, and what a row names."""

    key: sa.ColumnElement[str]
    rows: sa.Select[Any]
    read: Callable[[Any], list[NamedObject]]


async def named_objects(database: Database) -> AsyncIterator[NamedObject]:
    """Yield what the database names, each object once, in the order of the keys."""
    streams = [_stream(database, source) for source in _SOURCES]
    heads: list[tuple[str, int, NamedObject]] = []
    for number, stream in enumerate(streams):
        async for first in stream:
            heapq.heappush(heads, (first.key, number, first))
            break
    last: NamedObject | None = None
    while heads:
        _, number, named = heads[0]
        following = await anext(streams[number], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following.key, number, following))
        if last and last.key == named.key:
            last = _joined(last, named)
            continue
        if last:
            yield last
        last = named
    if last:
        yield last


async def names_of_objects(database: Database, keys: Collection[str]) -> dict[str, NamedObject]:
    """Return what the database names now, of these keys."""
    wanted = {*keys, *(key.rpartition("-")[0] for key in keys)}
    current: dict[str, NamedObject] = {}
    for source in _SOURCES:
        chosen = source.rows.where(in_keys(source.key, wanted))
        for row in await database.rows(chosen, sa.Row):
            for named in source.read(row):
                known = current.get(named.key)
                current[named.key] = _joined(known, named) if known else named
    return {key: current[key] for key in keys if key in current}


async def _stream(database: Database, source: _Source) -> AsyncIterator[NamedObject]:
    """Yield what the rows of a source name, in the order of the keys."""
    page = source.rows.order_by(source.key).limit(PAGE)
    rows = await database.rows(page, sa.Row)
    while rows:
        for row in rows:
            for named in source.read(row):
                yield named
        rows = await database.rows(page.where(source.key > rows[-1].key), sa.Row)


def _joined(one: NamedObject, other: NamedObject) -> NamedObject:
    """Return what two rows that name the same object say of it."""
    first, second = (one, other) if one.use is Use.CONTENT else (other, one)
    return replace(
        first,
        must_exist=first.must_exist or second.must_exist,
        is_referenced=first.is_referenced or second.is_referenced,
    )


def _read_content(row: Any) -> list[NamedObject]:
    """Return what a row of a stored object names.

    Its bytes are about to be removed if it is leaving. If items refer to it nevertheless, they are
    tombstones, and the bytes are lost.
    """
    named = NamedObject(
        row.key,
        Use.CONTENT,
        must_exist=row.is_live or not row.is_leaving,
        is_referenced=row.is_live or row.is_kept,
        is_lost=row.is_leaving and row.is_kept and not row.is_live,
        file_size=row.file_size,
        sha256=row.sha256,
    )
    return [named]


def _read_thumbnails(row: Any) -> Iterator[NamedObject]:
    """Yield the thumbnails of a row, those of all sizes that are stored for it."""
    largest = None
    if row.unavailable_reason is None and row.width and row.height:
        largest = stored_size(row.width, row.height, ThumbnailSize.LARGE)
    for size in sorted(ThumbnailSize, key=str.lower):
        is_stored = largest is not None and size.pixels <= largest.pixels
        yield NamedObject(thumbnail_key(row.key, size), Use.THUMBNAIL, must_exist=is_stored)


def _refers(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists().where(column == stored_objects.c.key, *conditions)


_IS_LIVE = sa.or_(
    _refers(items.c.object_key, ~items.c.is_tombstone),
    _refers(bitstreams.c.object_key, ~bitstreams.c.is_lost),
    _refers(renditions.c.object_key),
    _refers(uploads.c.stored_key),
)
_IS_KEPT = sa.or_(
    _refers(items.c.object_key),
    _refers(bitstreams.c.object_key),
    _refers(manifests.c.object_key),
    _refers(uploads.c.object_key),
)
_MADE = (thumbnails.c.width, thumbnails.c.height, thumbnails.c.unavailable_reason)
_SOURCES = (
    _Source(
        stored_objects.c.key,
        sa.select(stored_objects, _IS_LIVE.label("is_live"), _IS_KEPT.label("is_kept")),
        _read_content,
    ),
    _Source(
        manifests.c.object_key,
        sa.select(manifests.c.object_key.label("key")),
        lambda row: [NamedObject(row.key, Use.MANIFEST, must_exist=True)],
    ),
    _Source(
        encapsulated_files.c.object_key,
        sa.select(
            encapsulated_files.c.object_key.label("key"),
            encapsulated_files.c.file_size,
            encapsulated_files.c.is_stored,
        ),
        lambda row: [
            NamedObject(
                row.key, Use.ENCAPSULATED, must_exist=row.is_stored, file_size=row.file_size
            )
        ],
    ),
    _Source(
        thumbnails.c.object_key,
        sa.select(thumbnails.c.object_key.label("key"), *_MADE),
        lambda row: list(_read_thumbnails(row)),
    ),
    _Source(
        uploads.c.object_key,
        sa.select(uploads.c.object_key.label("key")),
        lambda row: [NamedObject(row.key, Use.UPLOAD)],
    ),
    _Source(
        reencode_units.c.object_key,
        sa.select(reencode_units.c.object_key.label("key")).where(
            reencode_units.c.status == ReencodeUnitStatus.PENDING
        ),
        lambda row: [NamedObject(row.key, Use.RENDITION)],
    ),
    _Source(
        dicom_job_units.c.object_key,
        sa.select(dicom_job_units.c.object_key.label("key")).where(
            dicom_job_units.c.object_key.is_not(None),
            dicom_job_units.c.status == DicomJobUnitStatus.PENDING,
        ),
        lambda row: [NamedObject(row.key, Use.UPLOAD)],
    ),
)
