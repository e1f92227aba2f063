"""The instances of a study that have values of tags, from their documents."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_at
from gateway.catalog.dicom_indexed_tags import shown
from gateway.catalog.dicom_study_keys import in_scope
from gateway.catalog.ledger.dicom_values import batches
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicom.dictionary import entry_of
from gateway.dicom.documents import unpack
from gateway.dicom.indexed_values import INDEXABLE, IndexedElement, ValueKey, values_in
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.models.dicom import (
    DicomTagsRecord,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_tags,
)
from resolvers.dicom_tag_matches import is_masked, keys_of, read_indexed_tags
from resolvers.inputs.dicom import DicomInstanceFilter

MAX_INSTANCES = 5_000
"""Instances of a study whose documents are read for a filter."""


class WantedValues(NamedTuple):
    """Values of an element that match, from the least to the greatest; None is an open end."""

    element: IndexedElement
    least: ValueKey | None
    greatest: ValueKey | None


class Candidate(NamedTuple):
    """An instance whose document is read, with what the viewer may see of it."""

    item_uuid: UUID
    document_size: int
    sees_identity: bool


async def instances_with_tags(
    context: Context, query: EdgeQuery, _order_by: Any
) -> tuple[UUID, ...] | None:
    """Return the items of a study's instances that have the values that a filter names.

    None if it names none.

    Raises:
        DomainError: `BAD_USER_INPUT` if the filter does not name one study, or the representation
            of a tag is not known; `LIMIT_EXCEEDED` for too large a study.
    """
    filter: DicomInstanceFilter | None = query.filter
    if filter is None or not filter.tags:
        return None
    if len(set(filter.study_uids or ())) != 1:
        message = "Instances are filtered by tags inside one study. Name it in studyUids."
        raise bad_input(message, "filter", "studyUids")
    wanted = await wanted_values(context, filter)
    rows = await candidates_of(context, filter)
    if any(is_masked(each.element.tag, each.element.vr) for each in wanted):
        rows = [row for row in rows if row.sees_identity]
    matching: list[UUID] = []
    for batch in batches({row.item_uuid: row.document_size for row in rows}):
        stored = await context.database.rows(
            sa.select(dicom_tags.c.item_uuid, dicom_tags.c.document).where(
                in_keys(dicom_tags.c.item_uuid, batch)
            ),
            DicomTagsRecord,
        )
        documents = {row.item_uuid: row.document for row in stored}
        matching += await asyncio.to_thread(matching_items, documents, wanted)
    return tuple(sorted(matching))


async def candidates_of(context: Context, filter: DicomInstanceFilter) -> list[Candidate]:
    """Return the instances of the study that a filter names, as far as the viewer sees it.

    Raises:
        DomainError: `LIMIT_EXCEEDED` if they are too many.
    """
    candidates = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_tags.c.document_size,
            sees_identity_at(context.viewer, dicom_series.c.folder_uuid).label("sees_identity"),
        )
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .join(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
        .join(dicom_tags, dicom_tags.c.item_uuid == dicom_instances.c.item_uuid)
        .where(
            in_keys(dicom_studies.c.study_uid, filter.study_uids or ()),
            *in_scope(context.viewer, dicom_series.c.folder_uuid, filter.folder_uuid),
        )
        .order_by(dicom_instances.c.item_uuid)
        .limit(MAX_INSTANCES + 1)
    )
    rows = await context.database.rows(candidates, Candidate)
    if len(rows) > MAX_INSTANCES:
        message = f"The study has more than {MAX_INSTANCES:,} instances: name a folder, or no tags."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("filter", "tags"))
    return rows


async def wanted_values(context: Context, filter: DicomInstanceFilter) -> list[WantedValues]:
    """Return the values that a filter names; tags that are indexed have the index's form."""
    matches = filter.tags or []
    named, indexed = await read_indexed_tags(context, matches)
    wanted = []
    for index, (match, name) in enumerate(zip(matches, named, strict=True)):
        path = "filter", "tags", index
        row, entry = indexed.get(name), entry_of(name[0].rpartition(":")[2])
        known = [each for each in entry.vr.split(" or ") if each in INDEXABLE] if entry else []
        if row is None and not known:
            message = f"The tag {shown(*name)} is not indexed: its representation is not known."
            raise bad_input(message, *path, "tag")
        vr = row.vr if row else known[0]
        ends = keys_of(match.is_, vr, (*path, "is"))
        wanted.append(WantedValues(IndexedElement(*name, vr), *ends))
    return wanted


def matching_items(documents: Mapping[UUID, bytes], wanted: Sequence[WantedValues]) -> list[UUID]:
    """Return the items whose documents have a value of each of the wanted kinds."""

    def includes(each: WantedValues, key: ValueKey) -> bool:
        least, greatest = each.least, each.greatest
        if key.number is not None:
            return (least is None or (least.number or 0.0) <= key.number) and (
                greatest is None or key.number <= (greatest.number or 0.0)
            )
        return (least is None or least.text <= key.text) and (
            greatest is None or key.text <= greatest.text
        )

    matching = []
    for item_uuid, data in documents.items():
        document = unpack(data)
        if all(
            any(includes(each, key) for key in values_in(document, each.element).keys)
            for each in wanted
        ):
            matching.append(item_uuid)
    return matching
