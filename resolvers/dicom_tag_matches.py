"""Conditions on the values of indexed tags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET

from gateway.auth.dicom_visibility import sees_series
from gateway.auth.identity import sees_identity_at
from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_indexed_tags import shown
from gateway.catalog.rules.indexable_tags import tag_path
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicom.indexed_values import ValueKey, key_of
from gateway.dicom.masking import is_shown
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.models.dicom import dicom_series
from gateway.models.dicom_indexed_tags import (
    DicomIndexedTagRecord,
    dicom_indexed_tags,
    dicom_tag_values,
)
from resolvers.inputs.dicom import DicomStudyFilter
from resolvers.inputs.dicom_tag_matches import (
    MAX_TAG_MATCHES,
    DicomSeriesFilter,
    DicomTagMatch,
    DicomTagValueMatch,
)

Condition = sa.ColumnElement[bool]
MAX_VALUE = 10_000
TagName = tuple[str, str]
"""A tag with those of the sequences that it is in, and its private creator."""


@dataclass(frozen=True, slots=True)
class TagSpan:
    """Values of an indexed tag that match, from the least to the greatest.

    Attributes:
        least: None if the range has no beginning.
        greatest: None if it has no end.
        is_masked: whether the values are not those of viewers who may not see whose the files are.
    """

    indexed_tag_uuid: UUID
    least: ValueKey | None
    greatest: ValueKey | None
    is_masked: bool


async def prepare_tag_spans(
    context: Context, query: EdgeQuery, _order_by: Any
) -> tuple[TagSpan, ...]:
    """Read the indexed tags that a filter names.

    Raises:
        DomainError: `BAD_USER_INPUT` if a tag is not indexed or a value is not of its
            representation, `UNAVAILABLE` while its values are being filled in.
    """
    filter: DicomStudyFilter | DicomSeriesFilter | None = query.filter
    matches = (filter.tags if filter else None) or []
    if not matches:
        return ()
    named, indexed = await read_indexed_tags(context, matches)
    return tuple(
        _span_of(match, indexed.get(name), shown(*name), ("filter", "tags", index))
        for index, (match, name) in enumerate(zip(matches, named, strict=True))
    )


async def read_indexed_tags(
    context: Context, matches: Sequence[DicomTagMatch]
) -> tuple[list[TagName], dict[TagName, DicomIndexedTagRecord]]:
    """Return the names of the tags of conditions, and by name those that are indexed.

    Raises:
        DomainError: `BAD_USER_INPUT` if there are too many, or one is no tag.
    """
    if len(matches) > MAX_TAG_MATCHES:
        message = sized("tags", 0, MAX_TAG_MATCHES, len(matches), "entries")
        raise bad_input(message, "filter", "tags")
    named = [
        tag_path(match.tag, match.private_creator, "filter", "tags", index)
        for index, match in enumerate(matches)
    ]
    present = sa.select(dicom_indexed_tags).where(
        in_keys(dicom_indexed_tags.c.tag, sorted({tag for tag, _ in named})),
        ~dicom_indexed_tags.c.is_removed,
    )
    rows = await context.database.rows(present, DicomIndexedTagRecord)
    return named, {(row.tag, row.private_creator): row for row in rows}


def _span_of(
    match: DicomTagMatch, row: DicomIndexedTagRecord | None, name: str, path: Path
) -> TagSpan:
    if row is None:
        message = f"The tag {name} is not indexed. A site admin can add it: addDicomIndexedTag."
        raise bad_input(message, *path, "tag")
    if not row.is_filled:
        message = f"The values of the tag {name} are still being indexed. Retry later."
        raise DomainError(ErrorCode.UNAVAILABLE, message, (*path, "tag"))
    least, greatest = keys_of(match.is_, row.vr, (*path, "is"))
    return TagSpan(row.uuid, least, greatest, is_masked(row.tag, row.vr))


def is_masked(tag: str, vr: str) -> bool:
    """Return whether a tag is private or identifying, or one of the sequences that it is in is."""
    *sequences, last = tag.split(":")
    return not (is_shown(last, vr) and all(is_shown(each, "SQ") for each in sequences))


def keys_of(
    match: DicomTagValueMatch, vr: str, path: Path
) -> tuple[ValueKey | None, ValueKey | None]:
    """Return the least and the greatest value that match, None for an open end.

    Raises:
        DomainError: `BAD_USER_INPUT` for a value that is not of the representation.
    """

    def key(value: str, *field: str) -> ValueKey:
        if len(value) > MAX_VALUE:
            raise bad_input(sized(field[-1], 1, MAX_VALUE, len(value)), *path, *field)
        form = key_of(value, vr)
        if form is None:
            raise bad_input(f"Expected a value of the representation {vr}.", *path, *field)
        return form

    if isinstance(match.value, str):
        exact = key(match.value, "value")
        return exact, exact
    span = None if match.range is UNSET else match.range
    if span is None or (span.from_ is None and span.to is None):
        raise bad_input("Set from, to or both.", *path, "range")
    least = None if span.from_ is None else key(span.from_, "range", "from")
    return least, None if span.to is None else key(span.to, "range", "to")


def matching(
    viewer: Viewer, spans: Sequence[TagSpan], key: sa.ColumnElement[Any], name: str
) -> list[Condition]:
    """Return the conditions that series have the values that a filter names.

    They are those that the viewer sees. Each condition can be met by another one.

    Args:
        key: what has to be that of a series.
        name: the column of `dicom_series` that it is compared with.
    """
    conditions: list[Condition] = []
    for span in spans:
        series, values = dicom_series.alias(), dicom_tag_values.alias()
        chosen = (
            sa.select(series.c[name])
            .join(values, values.c.series_uuid == series.c.uuid)
            .where(
                values.c.indexed_tag_uuid == span.indexed_tag_uuid,
                *_bounds(span, values),
                sees_series(viewer, series),
            )
        )
        if span.is_masked:
            chosen = chosen.where(sees_identity_at(viewer, series.c.folder_uuid))
        conditions.append(key.in_(chosen))
    return conditions


def _bounds(span: TagSpan, values: sa.FromClause) -> list[Condition]:
    """Return the conditions on a row of values."""
    least, greatest = span.least, span.greatest
    if least is not None and least == greatest:
        return [values.c.value_key == least.text]
    ends = [each for each in (least, greatest) if each is not None]
    is_number = ends[0].number is not None
    column = values.c.number if is_number else values.c.value_key
    conditions: list[Condition] = [] if least or is_number else [column > ""]
    if least is not None:
        conditions.append(column >= (least.number if is_number else least.text))
    if greatest is not None:
        conditions.append(column <= (greatest.number if is_number else greatest.text))
    return conditions
