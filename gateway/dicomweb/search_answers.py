"""The answers of searches: what rows say, in the JSON model of DICOM."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicom.documents import Document, unpack
from gateway.dicom.masking import masked
from gateway.dicom.profile import is_identifying
from gateway.dicomweb.attributes import ATTRIBUTES, BY_TAG, Attribute, Presence, SearchLevel
from gateway.dicomweb.elements import element
from gateway.dicomweb.scope import Scope, Target
from gateway.dicomweb.search_parameters import MORE_RESULTS, Search
from gateway.dicomweb.searches import modalities, related_counts, search_statement
from gateway.models.dicom import dicom_tags

_ONLINE = "ONLINE"
_SERIES_COUNT = "00201209"
_SLICE = 20
"""Documents that are read before other tasks run."""


@dataclass(slots=True)
class Results:
    """The results of a search, and texts of warnings about them."""

    documents: list[Document]
    warnings: list[str]


@dataclass(slots=True)
class _Related:
    """Values of studies that are made of several rows, by study."""

    series: dict[UUID, int] = field(default_factory=dict)
    instances: dict[UUID, int] = field(default_factory=dict)
    modalities: dict[UUID, list[str]] = field(default_factory=lambda: defaultdict(list))


async def search(
    context: Context, scope: Scope, target: Target, wanted: Search, level: SearchLevel, base: str
) -> Results:
    """Run a search below what the path names.

    Args:
        base: the URL of the folder, with which those of objects begin.
    """
    database = context.database
    statement = search_statement(scope, target, wanted, level)
    rows = await database.rows(statement, sa.Row[Any])
    warnings = [*wanted.warnings, *([MORE_RESULTS] if len(rows) > wanted.limit else [])]
    rows = rows[: wanted.limit]
    related = _Related()
    studies = list({row.study_uuid for row in rows})
    if studies and (level is SearchLevel.STUDY or target.study_uid is None or wanted.includes_all):
        for count in await database.rows(related_counts(scope, studies), sa.Row[Any]):
            related.series[count.study_uuid] = count.series
            related.instances[count.study_uuid] = count.instances
        for each in await database.rows(modalities(scope, studies), sa.Row[Any]):
            related.modalities[each.study_uuid].append(each.modality)
    shown = attributes_of(wanted, target, level)
    more: Mapping[UUID, Document] = {}
    if level is SearchLevel.INSTANCE:
        more = await further_elements(context, wanted, rows)
    documents = [document_of(row, shown, related, level, base) for row in rows]
    if more:
        for row, document in zip(rows, documents, strict=True):
            further = more.get(row.item_uuid, {})
            if not row.shows_series or not row.shows_study:
                further = masked(further)
            document.update({tag: each for tag, each in further.items() if tag not in document})
    return Results([dict(sorted(document.items())) for document in documents], warnings)


def attributes_of(wanted: Search, target: Target, level: SearchLevel) -> list[Attribute]:
    """Return the attributes that answers have."""
    # Of the levels above, only what the path does not name, and the UIDs.
    lowest = level
    if level > SearchLevel.STUDY and target.study_uid is None:
        lowest = SearchLevel.STUDY
    elif level > SearchLevel.SERIES and target.series_uid is None:
        lowest = SearchLevel.SERIES
    return [
        each
        for each in ATTRIBUTES
        if each.level <= level
        and (each.tag != _SERIES_COUNT or level is SearchLevel.SERIES)
        and (
            wanted.includes_all
            or each.tag in wanted.includes
            or each.tag in ("0020000D", "0020000E", "00080056", "00081190")
            or (each.presence is not Presence.ON_REQUEST and each.level >= lowest)
        )
    ]


def document_of(
    row: Any, shown: Sequence[Attribute], related: _Related, level: SearchLevel, base: str
) -> Document:
    """Return a row with the attributes that are shown, of which some may be masked."""
    document: Document = {}
    uids = [row.study_uid]
    uids += [row.series_uid] if level >= SearchLevel.SERIES else []
    uids += [row.sop_instance_uid] if level is SearchLevel.INSTANCE else []
    computed = {
        "00080056": _ONLINE,
        "00080061": related.modalities.get(row.study_uuid),
        "00081190": f"{base}{Target(*uids)}",
        "00201206": related.series.get(row.study_uuid, 0),
        "00201208": related.instances.get(row.study_uuid, 0),
        _SERIES_COUNT: row.instances if level is SearchLevel.SERIES else None,
    }
    for attribute in shown:
        value = getattr(row, attribute.column) if attribute.column else computed[attribute.tag]
        sees = row.shows_study if attribute.level is SearchLevel.STUDY else row.shows_series
        if not sees and attribute.column and is_identifying(int(attribute.tag, 16)):
            value = None
        if value not in (None, "") or attribute.presence is Presence.ALWAYS:
            document[attribute.tag] = element(attribute.tag, value)
    return document


class _TagsRow(NamedTuple):
    item_uuid: UUID
    document: bytes


async def further_elements(
    context: Context, wanted: Search, rows: Sequence[Any]
) -> Mapping[UUID, Document]:
    """Return the elements that were asked for and that only documents of instances have."""
    tags = wanted.includes - BY_TAG.keys()
    if not (tags or wanted.includes_all) or not rows:
        return {}
    chosen = sa.select(dicom_tags.c.item_uuid, dicom_tags.c.document).where(
        in_keys(dicom_tags.c.item_uuid, [row.item_uuid for row in rows])
    )
    further: dict[UUID, Document] = {}
    for index, row in enumerate(await context.database.rows(chosen, _TagsRow)):
        if index % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        further[row.item_uuid] = {
            tag: each
            for tag, each in unpack(row.document).items()
            if (wanted.includes_all or tag in tags) and "BulkDataURI" not in each
        }
    return further
