"""Tags of DICOM instances, series and studies: how they are resolved.

Those of a series or study are those of the earliest instance that the viewer sees.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_documents import (
    current_instances,
    read_documents,
    read_series_documents,
    read_study_documents,
)
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.database.engine import Database
from gateway.dicom.levels import is_identity, is_of_series, is_of_study
from gateway.dicom.tag_filters import named
from gateway.dicom.tag_views import TagRow, TagView
from gateway.dicom.viewed_documents import ViewedDocument
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import Batch, batch
from gateway.execution.keysets import KEYS
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies, dicom_tags
from resolvers.inputs.dicom_tags import (
    AllValues,
    ExcludeUnnamed,
    Filter,
    IncludePrivate,
    TagName,
    check_text,
    read_filter,
)

V = TypeVar("V")
R = TypeVar("R")
Read = Callable[[Database, Viewer, Collection[UUID]], Awaitable[dict[UUID, ViewedDocument]]]
Find = Callable[[Context, list[UUID]], Awaitable[Sequence[ViewedDocument | None]]]
"""Returns the documents of some keys in their order; None for those that have none."""
IsOfLevel = Callable[[str], bool]

_LARGE = 64 << 10
"""Bytes of a compressed document that takes longer than a slice."""
_CHOICES = ("includeTags", "keywords")
_MOST_LISTED = 25
"""Tags that an operation pays for if it does not name them."""
_ITEM_TAGS = 5
"""Tags in a sequence that an operation pays for."""
_SLICE = 0.002
"""Seconds for which documents are read until other tasks of the event loop run."""


async def _in_slices(make: Callable[[V], R], values: Iterable[V]) -> list[R]:
    """Return what a function makes of values, in slices of a few milliseconds.

    Large documents are inflated and parsed in a thread.
    """
    made: list[R] = []
    began = perf_counter()
    for value in values:
        if isinstance(value, ViewedDocument) and len(value.data) > _LARGE:
            made.append(await asyncio.to_thread(make, value))
            continue
        made.append(make(value))
        if perf_counter() - began > _SLICE:
            await asyncio.sleep(0)
            began = perf_counter()
    return made


def _shared(read: Read) -> Find:
    """Return a function that reads documents once for all fields of an operation."""

    async def find(context: Context, keys: list[UUID]) -> Sequence[ViewedDocument | None]:
        async def load(loaded: list[UUID]) -> list[ViewedDocument | None]:
            documents = await read(context.database, context.viewer, loaded)
            return [documents.get(key) for key in loaded]

        loads = (context.loaders.load(read, key, load) for key in keys)
        documents: list[ViewedDocument | None] = await asyncio.gather(*loads)
        return documents

    return find


def _listed(given: Mapping[str, Any]) -> int:
    """Return how many tags there are for the cost of an operation: those that a filter names."""
    filter = given.get("filter")
    chosen = [filter.get(name) for name in _CHOICES] if isinstance(filter, dict) else []
    return min((len(names) for names in chosen if isinstance(names, list)), default=_MOST_LISTED)


def _tags(key: sa.Column[UUID], find: Find, is_of_level: IsOfLevel | None = None) -> Batch:
    """Return the tags of documents, of which those of a level are shown."""

    @batch(key, work=5, listed=_listed)
    async def load(
        context: Context,
        keys: list[UUID],
        *,
        filter: Filter = None,
        all_values: AllValues = False,
        exclude_unnamed: ExcludeUnnamed = False,
        include_private: IncludePrivate = True,
    ) -> list[list[TagRow]]:
        conditions = read_filter(filter)
        view = TagView(all_values, exclude_unnamed, include_private, is_of_level)

        def rows(viewed: ViewedDocument | None) -> list[TagRow]:
            return conditions.rows(viewed.document(), view) if viewed else []

        return await _in_slices(rows, await find(context, keys))

    return load


def _tag(key: sa.Column[UUID], find: Find, is_of_level: IsOfLevel | None = None) -> Batch:
    """Return the first tag of documents that has a name, of those of a level."""
    view = TagView(all_values=True, is_of_level=is_of_level)

    @batch(key, work=5)
    async def load(context: Context, keys: list[UUID], *, name: TagName) -> list[TagRow | None]:
        check_text(name, "name")

        def row(viewed: ViewedDocument | None) -> TagRow | None:
            return named(view.rows(viewed.document()), name) if viewed else None

        return await _in_slices(row, await find(context, keys))

    return load


def _phi(key: sa.Column[UUID], find: Find) -> Batch:
    """Return the identifying tags of documents; None where the viewer may not see them."""
    view = TagView(all_values=True, is_of_level=is_identity)

    def rows(viewed: ViewedDocument | None) -> list[TagRow] | None:
        return None if viewed is None or viewed.is_masked else list(view.rows(viewed.document()))

    @batch(key, work=5)
    async def load(context: Context, keys: list[UUID]) -> list[list[TagRow] | None]:
        return await _in_slices(rows, await find(context, keys))

    return load


def _json(viewed: ViewedDocument) -> orjson.Fragment:
    return orjson.Fragment(viewed.json())


def _all_json(key: sa.Column[UUID], parent: sa.Column[UUID], work: int) -> Batch:
    """Return the documents of all current instances of series or studies."""

    @batch(key, work=work)
    async def load(context: Context, keys: list[UUID]) -> list[list[orjson.Fragment]]:
        items = await current_instances(context.database, context.viewer, parent, keys)
        every = [item for of_parent in items.values() for item in of_parent]
        documents = await read_documents(context.database, context.viewer, every)
        texts = await _in_slices(_json, documents.values())
        by_item = dict(zip(documents, texts, strict=True))
        return [[by_item[item] for item in items[key] if item in by_item] for key in keys]

    return load


_of_items = _shared(read_documents)
_of_series = _shared(read_series_documents)
_of_studies = _shared(read_study_documents)

tags_of_instance = _tags(dicom_instances.c.item_uuid, _of_items)
tags_of_series = _tags(dicom_series.c.uuid, _of_series, is_of_series)
tags_of_study = _tags(dicom_studies.c.uuid, _of_studies, is_of_study)
tag_of_instance = _tag(dicom_instances.c.item_uuid, _of_items)
tag_of_series = _tag(dicom_series.c.uuid, _of_series, is_of_series)
tag_of_study = _tag(dicom_studies.c.uuid, _of_studies, is_of_study)
phi_of_instance = _phi(dicom_instances.c.item_uuid, _of_items)
phi_of_study = _phi(dicom_studies.c.uuid, _of_studies)
json_of_series = _all_json(dicom_series.c.uuid, dicom_series.c.uuid, 100)
json_of_study = _all_json(dicom_studies.c.uuid, dicom_series.c.study_uuid, 250)


@batch(dicom_instances.c.item_uuid, work=5)
async def json_of_instance(context: Context, keys: list[UUID]) -> list[orjson.Fragment | None]:
    """Load the documents of instances."""
    documents = await _of_items(context, keys)
    return await _in_slices(lambda viewed: _json(viewed) if viewed else None, documents)


@batch("itself", listed=lambda _given: _ITEM_TAGS)
async def items_of(_context: Context, keys: list[TagRow]) -> list[list[list[TagRow]] | None]:
    """Return the items of sequences."""
    return await _in_slices(lambda row: row.items, keys)


class TagsReading(NamedTuple):
    """Facts about the reading of an instance's tags."""

    item_uuid: UUID
    is_complete: bool
    errors: int
    omitted: list[str]
    character_sets: list[str]


_readings = KeptStatement(
    lambda _viewer: sa.select(*(dicom_tags.c[name] for name in TagsReading._fields)).where(
        in_bound_keys(dicom_tags.c.item_uuid, KEYS)
    ),
    TagsReading,
)
_UNREAD = TagsReading(UUID(int=0), False, 0, [], [])


def _reading(name: str) -> Batch:
    """Return a fact about how the tags of instances were read, one of `TagsReading`."""

    @batch(dicom_instances.c.item_uuid)
    async def load(context: Context, keys: list[UUID]) -> list[object]:
        async def load_all(loaded: list[UUID]) -> list[TagsReading]:
            rows = await _readings.rows(context.database, context.viewer, loaded)
            by_item = {row.item_uuid: row for row in rows}
            return [by_item.get(key, _UNREAD) for key in loaded]

        loads = (context.loaders.load(TagsReading, key, load_all) for key in keys)
        return [getattr(row, name) for row in await asyncio.gather(*loads)]

    return load


is_complete = _reading("is_complete")
errors = _reading("errors")
omitted = _reading("omitted")
character_sets = _reading("character_sets")
