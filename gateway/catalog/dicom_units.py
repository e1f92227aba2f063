"""Units of jobs about DICOM studies: what a job is about, and its instances, listed step by step.

A study may have 100,000 instances, so that a task lists them, some hundred in each transaction. The
position that it has reached is a row of `dicom_headers`, and an item among those with that header.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict, cast
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import save_job
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import DicomJobPhase
from gateway.models.base import new_row
from gateway.models.dicom import (
    dicom_headers,
    dicom_instances,
    dicom_series,
    study_attachments,
)
from gateway.models.dicom_jobs import DicomJobUnitRecord, dicom_job_units
from gateway.models.items import items
from gateway.models.jobs import JobRecord

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


class StudySource(TypedDict):
    """The part of a study that a job is about.

    Attributes:
        study: the UUID of its row, in hex like those of folders.
        folders: those of which the starter saw the part.
        series: the UIDs of series; None for all.
    """

    study: str
    folders: list[str]
    series: list[str] | None


class UidRules(TypedDict):
    """Rules by which the UIDs of the copies of a study follow from its own.

    Attributes:
        study_uid: the UID of the study.
        new_study_uid: that of the copies.
        new_series_uids: whether series get new UIDs.
        new_instance_uids: whether all instances do, rather than those alone that would collide.
    """

    study_uid: str
    new_study_uid: str
    new_series_uids: bool
    new_instance_uids: bool


class CopySpec(TypedDict):
    """The copies that a job makes.

    Attributes:
        uids: the rules for each of the job's studies; none if they are anonymized.
        into: the study that the copies become a part of, in hex; None for new studies.
        study: attributes of patient and study that the copies get, see `CopyEdit`.
        options: the options of their anonymization, see `options_from`; None without any.
        project: the UUID of the project whose secret is used; None for a secret of the job's own.
        removes_sources: whether the instances are deleted once all are copied.
    """

    uids: list[UidRules]
    into: str | None
    study: dict[str, Any] | None
    options: dict[str, Any] | None
    project: str | None
    removes_sources: bool


class DicomSpec(TypedDict):
    """The work of a job about DICOM studies, as `jobs.dicom_spec` has it.

    Attributes:
        all_versions: whether it is about superseded instances and tombstones, too.
        attachments: whether it is about the attachments, too.
        allow_dataset_changes: whether items may be deleted that datasets use.
        allow_mirror_dataset_changes: the same of mirror datasets.
        copy: the copies that it makes, unless it deletes a study.
        secret: the secret that new UIDs are derived from, in hex; None once the job has ended.
    """

    sources: list[StudySource]
    all_versions: bool
    attachments: bool
    allow_dataset_changes: bool
    allow_mirror_dataset_changes: bool
    copy: NotRequired[CopySpec]
    secret: NotRequired[str | None]


class _Cursor(NamedTuple):
    """Position that a listing has reached.

    Attributes:
        source: position of a study; once it is past the last one, attachments are listed.
        first: the first item with a header, then its series and digest.
        item: the last item with it that was listed.
        is_live: whether these are items that are not tombstones.
        is_done: whether all items with the header are listed.
    """

    source: int = 0
    first: str = _FIRST.hex
    series: str = _FIRST.hex
    digest: str = ""
    item: str = _FIRST.hex
    is_live: bool = True
    is_done: bool = False


class _HeaderRow(NamedTuple):
    first: UUID
    series_uuid: UUID
    digest: str
    series_uid: str


class _InstanceRow(NamedTuple):
    item_uuid: UUID
    sop_instance_uid: str | None
    file_size: int | None


class _ItemRow(NamedTuple):
    item_uuid: UUID


def spec_of(job: JobRecord) -> DicomSpec:
    """Return what a job about DICOM studies does."""
    return cast(DicomSpec, job.dicom_spec)


def folders_of(source: StudySource) -> list[UUID]:
    """Return the folders of a part of a study."""
    return [UUID(hex=uuid) for uuid in source["folders"]]


async def list_units(
    transaction: Transaction, job: JobRecord, size: int, next_phase: DicomJobPhase
) -> bool:
    """List about so many instances of a locked job as units, and return whether all are listed.

    The job is in its next phase then.
    """
    spec = spec_of(job)
    cursor: _Cursor | None = _Cursor(*json.loads(job.cursor)) if job.cursor else _Cursor()
    units: list[dict[str, Any]] = []
    while cursor is not None and len(units) < size:
        listed, cursor = await _list_some(transaction, spec, cursor, size - len(units))
        units += listed
    known_items = sa.select(dicom_job_units.c.item_uuid).where(
        dicom_job_units.c.job_uuid == job.uuid,
        in_keys(dicom_job_units.c.item_uuid, [unit["item_uuid"] for unit in units]),
    )
    known = {row.item_uuid for row in await transaction.rows(known_items, _ItemRow)}
    rows = [
        new_row(DicomJobUnitRecord, job_uuid=job.uuid, position=position, **unit)
        for position, unit in enumerate(
            (unit for unit in units if unit["item_uuid"] not in known), job.listed_count
        )
    ]
    if rows:
        await transaction.execute(sa.insert(dicom_job_units), rows)
    listed_count = job.listed_count + len(rows)
    is_last = cursor is None
    values: dict[str, Any] = {
        "listed_count": listed_count,
        "cursor": None if is_last else json.dumps(cursor),
        "units_pending_count": listed_count
        if is_last
        else max(job.units_pending_count, listed_count),
    }
    if is_last:
        values["dicom_phase"] = next_phase
    await save_job(transaction, job, values)
    return is_last


async def _list_some(
    transaction: Transaction, spec: DicomSpec, cursor: _Cursor, size: int
) -> tuple[list[dict[str, Any]], _Cursor | None]:
    """Return units from a cursor on, and the cursor after them; None after the last."""
    number = cursor.source
    if number >= len(spec["sources"]):
        return await _list_attachments(transaction, spec, cursor, size)
    source = spec["sources"][number]
    header = await _header_at(transaction, source, cursor)
    if header is None:
        is_last = number + 1 == len(spec["sources"]) and not spec["attachments"]
        return [], None if is_last else _Cursor(number + 1)
    reached = header.first.hex, header.series_uuid.hex, header.digest
    if reached != (cursor.first, cursor.series, cursor.digest) or cursor.is_done:
        cursor = _Cursor(number, *reached)
    wanted = [
        dicom_instances.c.series_uuid == header.series_uuid,
        dicom_instances.c.header_digest == header.digest,
        dicom_instances.c.is_live.is_(cursor.is_live),
        dicom_instances.c.item_uuid > UUID(hex=cursor.item),
    ]
    if not spec["all_versions"]:
        wanted.append(dicom_instances.c.is_current)
    some = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.file_size,
        )
        .where(*wanted)
        .order_by(dicom_instances.c.item_uuid)
        .limit(size)
    )
    rows = await transaction.rows(some, _InstanceRow)
    units = [{**row._asdict(), "source": number, "series_uid": header.series_uid} for row in rows]
    if len(rows) == size:
        return units, cursor._replace(item=rows[-1].item_uuid.hex)
    if spec["all_versions"] and cursor.is_live:
        return units, cursor._replace(item=_FIRST.hex, is_live=False)
    return units, cursor._replace(is_done=True)


async def _header_at(
    transaction: Transaction, source: StudySource, cursor: _Cursor
) -> _HeaderRow | None:
    """Return the header at a cursor, or the next one; those with earlier items come first.

    So the copies of instances are in the order in which values are taken from them.
    """
    first = sa.func.coalesce(
        dicom_headers.c.first_item_uuid, sa.literal(_LAST, dicom_headers.c.first_item_uuid.type)
    )
    key = sa.tuple_(first, dicom_headers.c.series_uuid, dicom_headers.c.digest)
    reached = sa.tuple_(
        sa.literal(UUID(hex=cursor.first), dicom_headers.c.first_item_uuid.type),
        sa.literal(UUID(hex=cursor.series), dicom_headers.c.series_uuid.type),
        sa.literal(cursor.digest, dicom_headers.c.digest.type),
    )
    statement = (
        sa.select(
            first.label("first"),
            dicom_headers.c.series_uuid,
            dicom_headers.c.digest,
            dicom_series.c.series_uid,
        )
        .join(dicom_series, dicom_series.c.uuid == dicom_headers.c.series_uuid)
        .where(*parts_of(source), key > reached if cursor.is_done else key >= reached)
        .order_by(first, dicom_headers.c.series_uuid, dicom_headers.c.digest)
        .limit(1)
    )
    return await transaction.first(statement, _HeaderRow)


async def _list_attachments(
    transaction: Transaction, spec: DicomSpec, cursor: _Cursor, size: int
) -> tuple[list[dict[str, Any]], _Cursor | None]:
    """Return attachments of a study as units, and the next cursor; see `_list_some`."""
    sources: Sequence[StudySource] = spec["sources"]
    number = cursor.source - len(sources)
    if number >= len(sources):
        return [], None
    source = sources[number]
    some = (
        sa.select(
            study_attachments.c.item_uuid,
            sa.null().label("sop_instance_uid"),
            items.c.file_size,
        )
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .where(
            *attachments_of(source),
            study_attachments.c.item_uuid > UUID(hex=cursor.item),
        )
        .order_by(study_attachments.c.item_uuid)
        .limit(size)
    )
    rows = await transaction.rows(some, _InstanceRow)
    units = [{**row._asdict(), "source": number, "series_uid": None} for row in rows]
    if len(rows) < size:
        return units, _Cursor(cursor.source + 1)
    return units, cursor._replace(item=rows[-1].item_uuid.hex)


def parts_of(source: StudySource) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the series of a part of a study."""
    conditions = [
        dicom_series.c.study_uuid == UUID(hex=source["study"]),
        in_keys(dicom_series.c.folder_uuid, folders_of(source)),
    ]
    if source["series"] is not None:
        conditions.append(in_keys(dicom_series.c.series_uid, source["series"]))
    return conditions


def attachments_of(source: StudySource) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the attachments of a part of a study, joined with their items."""
    return [
        study_attachments.c.study_uuid == UUID(hex=source["study"]),
        in_keys(items.c.folder_uuid, folders_of(source)),
    ]
