"""Studies: rows that follow from their series, with the folders that have a part of them.

Whoever changes anything of studies locks all of them first, in one call, after the folders
concerned and before counters. What a study says then depends on its instances alone, not on the
order of writers. The lock is not one of rows, which come and go: it is one of the UIDs in a root
folder.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.row_edits import changed_values, set_columns
from gateway.clock import now
from gateway.database.dialects import in_keys, lock_numbers, upsert
from gateway.database.engine import Transaction
from gateway.ids import uuid7
from gateway.kinds.dicom_object import STUDY_TAGS
from gateway.models.base import fold, new_row
from gateway.models.dicom import (
    DicomStudyPlaceRecord,
    DicomStudyRecord,
    dicom_headers,
    dicom_series,
    dicom_studies,
    dicom_study_places,
    study_attachments,
)
from gateway.models.folders import folders
from gateway.models.items import items

_LOCKS = 1_024
"""Locks that studies share, so that a tree with many studies does not need as many."""
_COLUMNS = {name: name for name in STUDY_TAGS} | {"study_description": "description"}
"""The columns of the attributes in headers."""


class StudyIdentity(NamedTuple):
    """The identity of a study; the patient is empty if unknown."""

    root_folder_uuid: UUID
    study_uid: str
    patient_id: str
    patient_id_issuer: str


class _PartRow(NamedTuple):
    study_uuid: UUID
    folder_uuid: UUID
    is_live: bool


class _HeaderRow(NamedTuple):
    study_uuid: UUID
    first_item_uuid: UUID
    attributes: dict[str, Any]


async def lock_studies_of(
    transaction: Transaction, keys: Collection[StudyIdentity], others: Collection[UUID] = ()
) -> dict[StudyIdentity, UUID]:
    """Lock studies and others until the transaction ends, and return the former by key.

    Those that are missing are created.
    """
    known = sa.select(dicom_studies).where(in_keys(dicom_studies.c.uuid, others))
    rows = await transaction.rows(known, DicomStudyRecord) if others else []
    names = {f"{key.root_folder_uuid} {key.study_uid}" for key in (*keys, *map(_key_of, rows))}
    locks = {zlib.crc32(name.encode()) % _LOCKS for name in names}
    await lock_numbers(transaction.connection, locks)
    if not keys:
        return {}
    insert = upsert(transaction.connection, dicom_studies).on_conflict_do_nothing()
    await transaction.execute(insert, [new_row(DicomStudyRecord, **key._asdict()) for key in keys])
    wanted = sa.select(dicom_studies).where(
        in_keys(dicom_studies.c.study_uid, {key.study_uid for key in keys}),
        in_keys(dicom_studies.c.root_folder_uuid, {key.root_folder_uuid for key in keys}),
    )
    uuids = {_key_of(row): row.uuid for row in await transaction.rows(wanted, DicomStudyRecord)}
    return {key: uuids[key] for key in keys}


async def refresh_studies(transaction: Transaction, uuids: Collection[UUID]) -> None:
    """Derive locked studies, and the places of their parts, from their series again.

    A study without any series or attachment is deleted. One whose last instances have gone keeps
    its attributes as long as it has attachments.
    """
    if not uuids:
        return
    mine = sa.select(dicom_studies).where(in_keys(dicom_studies.c.uuid, uuids))
    studies = await transaction.rows(mine, DicomStudyRecord)
    parts = await _parts(transaction, uuids)
    headers = await transaction.rows(
        sa.select(
            dicom_series.c.study_uuid, dicom_headers.c.first_item_uuid, dicom_headers.c.attributes
        )
        .join(dicom_headers, dicom_headers.c.series_uuid == dicom_series.c.uuid)
        .where(
            in_keys(dicom_series.c.study_uuid, uuids), dicom_headers.c.first_item_uuid.is_not(None)
        ),
        _HeaderRow,
    )
    gone = {study.uuid for study in studies} - {part.study_uuid for part in parts}
    if gone:
        delete = sa.delete(dicom_studies).where(in_keys(dicom_studies.c.uuid, gone))
        await transaction.execute(delete)
    kept = [study for study in studies if study.uuid not in gone]
    values = {
        study.uuid: _values(study, [row for row in headers if row.study_uuid == study.uuid])
        for study in kept
    }
    moment = now()
    changed = changed_values(values, {study.uuid: study for study in kept})
    edits = {
        study.uuid: {**changed.get(study.uuid, {}), "last_edited_at": moment} for study in kept
    }
    await set_columns(transaction, dicom_studies, edits)
    places = {(part.study_uuid, part.folder_uuid) for part in parts if part.is_live}
    orders = {
        study.uuid: {
            "study_date": values[study.uuid].get("study_date", study.study_date),
            "patient_name_key": values[study.uuid].get("name_key", study.name_key) or None,
            "created_at": study.created_at,
            "last_edited_at": moment,
        }
        for study in kept
    }
    await _keep_places(transaction, places, orders)


async def move_parts(
    transaction: Transaction, in_tree: sa.ColumnElement[bool], root_folder_uuid: UUID
) -> None:
    """Assign the series and attachments of a moved tree to studies of its new root folder.

    The folders have their new paths already, and stay where they are until the transaction ends.

    Args:
        in_tree: the condition that a row of `folders` is in the tree.
        root_folder_uuid: the root folder of the tree now.
    """
    tree = sa.select(folders.c.uuid).where(in_tree)
    is_part = sa.exists().where(
        dicom_series.c.study_uuid == dicom_studies.c.uuid, dicom_series.c.folder_uuid.in_(tree)
    )
    attached = sa.select(items.c.uuid).where(items.c.folder_uuid.in_(tree))
    has_attachment = sa.exists().where(
        study_attachments.c.study_uuid == dicom_studies.c.uuid,
        study_attachments.c.item_uuid.in_(attached),
    )
    concerned = sa.select(dicom_studies).where(
        dicom_studies.c.root_folder_uuid != root_folder_uuid, is_part | has_attachment
    )
    old = {row.uuid: row for row in await transaction.rows(concerned, DicomStudyRecord)}
    if not old:
        return
    keys = {
        uuid: _key_of(row)._replace(root_folder_uuid=root_folder_uuid) for uuid, row in old.items()
    }
    targets = await lock_studies_of(transaction, set(keys.values()), old)
    await carry_corrections(transaction, {uuid: targets[key] for uuid, key in keys.items()})
    for uuid, key in keys.items():
        for table, parts in (
            (dicom_series, dicom_series.c.folder_uuid.in_(tree)),
            (study_attachments, study_attachments.c.item_uuid.in_(attached)),
        ):
            mine = (table.c.study_uuid == uuid) & parts
            await transaction.execute(sa.update(table).where(mine).values(study_uuid=targets[key]))
    await refresh_studies(transaction, {*old, *targets.values()})


async def carry_corrections(transaction: Transaction, moves: Mapping[UUID, UUID]) -> None:
    """Give locked studies that are new the corrections of those from which they get parts.

    A study that has parts already keeps what it has: nobody corrects it by moving files into it.
    """
    rows = await transaction.rows(
        sa.select(dicom_studies).where(
            in_keys(dicom_studies.c.uuid, moves), dicom_studies.c.phi_version > 0
        ),
        DicomStudyRecord,
    )
    for row in rows:
        target = moves[row.uuid]
        has_series = sa.exists().where(dicom_series.c.study_uuid == target)
        has_attachments = sa.exists().where(study_attachments.c.study_uuid == target)
        is_new = (dicom_studies.c.uuid == target) & ~has_series & ~has_attachments
        kept = {"corrections": row.corrections, "phi_version": row.phi_version}
        await transaction.execute(sa.update(dicom_studies).where(is_new).values(kept))


async def _parts(transaction: Transaction, uuids: Collection[UUID]) -> list[_PartRow]:
    """Return the folders of series and attachments, by study; tombstones alone are not live."""
    has_live = dicom_series.c.instances + dicom_series.c.superseded > 0
    series = sa.select(
        dicom_series.c.study_uuid, dicom_series.c.folder_uuid, has_live.label("is_live")
    ).where(in_keys(dicom_series.c.study_uuid, uuids))
    attached = (
        sa.select(study_attachments.c.study_uuid, items.c.folder_uuid, sa.true().label("is_live"))
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .where(in_keys(study_attachments.c.study_uuid, uuids))
    )
    return await transaction.rows(sa.union(series, attached), _PartRow)


def merge_headers(
    headers: Iterable[tuple[UUID, Mapping[str, Any]]], tags: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the value of each attribute, and the tags of those with several values.

    A value is that of the earliest item that has one.

    Args:
        headers: the earliest item of each combination of attributes, and these.
        tags: the attributes that are wanted, with their tags.
    """
    values: dict[str, Any] = {}
    conflicts: set[str] = set()
    for _, attributes in sorted(headers, key=lambda header: header[0]):
        for name, tag in tags.items():
            value = attributes.get(name)
            if value is not None and values.setdefault(name, value) != value:
                conflicts.add(tag)
    return {name: values.get(name) for name in tags}, sorted(conflicts)


def _values(study: DicomStudyRecord, headers: Sequence[_HeaderRow]) -> dict[str, Any]:
    """Return the columns of a study; those that its last instances gave stay without any."""
    values: dict[str, Any] = {}
    conflicts: list[str] = []
    if headers:
        pairs = ((row.first_item_uuid, row.attributes) for row in headers)
        attributes, conflicts = merge_headers(pairs, STUDY_TAGS)
        values = {_COLUMNS[name]: value for name, value in attributes.items()}
    values |= study.corrections
    if "patient_name" in values:
        values["name_key"] = fold(values["patient_name"] or "")
    return {**values, "conflicts": conflicts}


async def _keep_places(
    transaction: Transaction,
    places: Collection[tuple[UUID, UUID]],
    orders: Mapping[UUID, Mapping[str, Any]],
) -> None:
    """Insert, update and delete the places of studies, given as (study, folder)."""
    mine = in_keys(dicom_study_places.c.study_uuid, orders)
    stored = await transaction.rows(
        sa.select(dicom_study_places).where(mine), DicomStudyPlaceRecord
    )
    known = {(row.study_uuid, row.folder_uuid): row.uuid for row in stored}
    gone = [uuid for place, uuid in known.items() if place not in places]
    if gone:
        delete = sa.delete(dicom_study_places).where(in_keys(dicom_study_places.c.uuid, gone))
        await transaction.execute(delete)
    edits = {uuid: orders[place[0]] for place, uuid in known.items() if place in places}
    await set_columns(transaction, dicom_study_places, edits)
    rows = [
        {"uuid": uuid7(), "study_uuid": study, "folder_uuid": folder, **orders[study]}
        for study, folder in sorted(places - known.keys())
    ]
    if rows:
        await transaction.execute(sa.insert(dicom_study_places), rows)


def _key_of(row: DicomStudyRecord) -> StudyIdentity:
    return StudyIdentity(row.root_folder_uuid, row.study_uid, row.patient_id, row.patient_id_issuer)
