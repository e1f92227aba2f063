"""Instances: the DICOM objects in items' files, kept with the series and studies that they form.

Callers have locked the items. Each function locks the folders concerned against moves, then the
studies, and derives what follows from their instances.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.ledger.dicom_series import SeriesKey, SopKey, ensure_series, refresh_series
from gateway.catalog.ledger.dicom_studies import StudyKey, lock_studies_of, refresh_studies
from gateway.catalog.ledger.dicom_tags import save_tags
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.database.tree import LEAVING, ancestors
from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.media_facts import MediaFacts
from gateway.models.dicom import (
    DicomInstanceRecord,
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
)
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, items


class Arrival(NamedTuple):
    """A file with a DICOM object that was read, or read again, for an item in a folder."""

    item_uuid: UUID
    folder_uuid: UUID
    facts: MediaFacts
    object: DicomObject


class _Located(NamedTuple):
    """An instance with what leads to its series and study."""

    item_uuid: UUID
    folder_uuid: UUID
    sop_instance_uid: str
    header_digest: str
    series_uuid: UUID
    series_uid: str
    study_uuid: UUID
    study_uid: str
    patient_id: str
    patient_id_issuer: str
    attributes: dict[str, Any]


async def instances_arrived(transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
    """Insert or replace the instances of items, with their tags."""
    if not arrivals:
        return
    roots = await _lock_roots(transaction, {each.folder_uuid for each in arrivals})
    arrivals = [each for each in arrivals if each.folder_uuid in roots]
    before = await _locate(transaction, [each.item_uuid for each in arrivals])
    keys = {
        each.item_uuid: StudyKey(
            roots[each.folder_uuid],
            each.facts.dicom_study_uid or "",
            each.object["header"].get("patient_id", ""),
            each.object["header"].get("patient_id_issuer", ""),
        )
        for each in arrivals
    }
    studies = await lock_studies_of(
        transaction, set(keys.values()), {row.study_uuid for row in before}
    )
    of_item = {
        each.item_uuid: SeriesKey(
            studies[keys[each.item_uuid]],
            each.folder_uuid,
            each.facts.dicom_series_uid or "",
        )
        for each in arrivals
    }
    series = await ensure_series(transaction, set(of_item.values()))
    rows = [_row(each, series[of_item[each.item_uuid]]) for each in arrivals]
    headers = {
        (row.series_uuid, row.header_digest): each.object["header"]
        for row, each in zip(rows, arrivals, strict=True)
    }
    await _insert_headers(transaction, headers)
    insert = upsert(transaction.connection, dicom_instances)
    replaced = insert.on_conflict_do_update(
        index_elements=["item_uuid"],
        set_={
            column.name: insert.excluded[column.name]
            for column in dicom_instances.c
            if not column.primary_key
        },
    )
    await transaction.execute(replaced, [row.model_dump() for row in rows])
    await save_tags(transaction, {each.item_uuid: each.object for each in arrivals})
    changed = {SopKey(row.series_uuid, row.sop_instance_uid) for row in rows}
    await _refresh(transaction, before, changed, set(studies.values()))


async def instances_left(transaction: Transaction, rows: Sequence[ItemRecord]) -> None:
    """Delete the instances of items that are deleted, or whose files are no DICOM objects now."""
    before = await _lock_instances(transaction, rows)
    if before:
        mine = in_keys(dicom_instances.c.item_uuid, [row.item_uuid for row in before])
        await transaction.execute(sa.delete(dicom_instances).where(mine))
        await _refresh(transaction, before)


async def instances_moved(
    transaction: Transaction, rows: Sequence[ItemRecord], folder_uuid: UUID
) -> None:
    """Move instances to the series of another folder; `rows` are from before the move."""
    before = await _find_instances(transaction, rows)
    if not before:
        return
    roots = await _lock_roots(transaction, {folder_uuid, *(row.folder_uuid for row in before)})
    before = await _find_instances(transaction, rows)
    root = roots[folder_uuid]
    keys = {
        row.item_uuid: StudyKey(root, row.study_uid, row.patient_id, row.patient_id_issuer)
        for row in before
    }
    studies = await lock_studies_of(
        transaction, set(keys.values()), {row.study_uuid for row in before}
    )
    of_item = {
        row.item_uuid: SeriesKey(studies[keys[row.item_uuid]], folder_uuid, row.series_uid)
        for row in before
    }
    series = await ensure_series(transaction, set(of_item.values()))
    places = {row.item_uuid: series[of_item[row.item_uuid]] for row in before}
    headers = {(places[row.item_uuid], row.header_digest): row.attributes for row in before}
    await _insert_headers(transaction, headers)
    for target in set(places.values()):
        moved = [uuid for uuid, place in places.items() if place == target]
        mine = in_keys(dicom_instances.c.item_uuid, moved)
        change = {"series_uuid": target, "is_current": False}
        await transaction.execute(sa.update(dicom_instances).where(mine).values(change))
    changed = {SopKey(places[row.item_uuid], row.sop_instance_uid) for row in before}
    await _refresh(transaction, before, changed, set(studies.values()))


async def instances_set_live(
    transaction: Transaction, rows: Sequence[ItemRecord], is_live: bool
) -> None:
    """Count instances of items no longer, as these are tombstones now, or count them again."""
    before = await _lock_instances(transaction, rows)
    if before:
        mine = in_keys(dicom_instances.c.item_uuid, [row.item_uuid for row in before])
        change = {"is_live": is_live, "is_current": False}
        await transaction.execute(sa.update(dicom_instances).where(mine).values(change))
        await _refresh(transaction, before)


async def _refresh(
    transaction: Transaction,
    before: Sequence[_Located],
    changed: Collection[SopKey] = (),
    studies: Collection[UUID] = (),
) -> None:
    """Derive series and studies again: where instances were before, and where they are now."""
    await refresh_series(
        transaction, {*changed, *(SopKey(row.series_uuid, row.sop_instance_uid) for row in before)}
    )
    await refresh_studies(transaction, {*studies, *(row.study_uuid for row in before)})


async def _lock_instances(transaction: Transaction, rows: Sequence[ItemRecord]) -> list[_Located]:
    """Lock the folders and studies of items' instances, and return these."""
    before = await _find_instances(transaction, rows)
    if not before:
        return []
    await _lock_roots(transaction, {row.folder_uuid for row in before})
    before = await _find_instances(transaction, rows)
    await lock_studies_of(transaction, (), {row.study_uuid for row in before})
    return before


async def _find_instances(transaction: Transaction, rows: Sequence[ItemRecord]) -> list[_Located]:
    """Return the instances of items, of which only those with a UID of a study have one."""
    uuids = [row.uuid for row in rows if row.dicom_study_uid is not None]
    return await _locate(transaction, uuids) if uuids else []


async def _locate(transaction: Transaction, uuids: Sequence[UUID]) -> list[_Located]:
    statement = (
        sa.select(
            dicom_instances.c.item_uuid,
            items.c.folder_uuid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.header_digest,
            dicom_instances.c.series_uuid,
            dicom_series.c.series_uid,
            dicom_series.c.study_uuid,
            dicom_studies.c.study_uid,
            dicom_studies.c.patient_id,
            dicom_studies.c.patient_id_issuer,
            dicom_headers.c.attributes,
        )
        .join(items, items.c.uuid == dicom_instances.c.item_uuid)
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .join(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
        .join(
            dicom_headers,
            (dicom_headers.c.series_uuid == dicom_instances.c.series_uuid)
            & (dicom_headers.c.digest == dicom_instances.c.header_digest),
        )
        .where(in_keys(dicom_instances.c.item_uuid, uuids))
    )
    return await transaction.rows(statement, _Located)


async def _lock_roots(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, UUID]:
    """Keep folders where they are until the transaction ends, and return their root folders.

    Folders that are being deleted have none.
    """
    statement = (
        sa.select(folders.c.uuid, folders.c.path)
        .where(in_keys(folders.c.uuid, uuids))
        .order_by(folders.c.uuid)
        .with_for_update(read=True, key_share=True)
    )
    rows = await transaction.rows(statement, FolderRecord)
    return {row.uuid: ancestors(row.path)[-1] for row in rows if not row.path.startswith(LEAVING)}


async def _insert_headers(
    transaction: Transaction, headers: Mapping[tuple[UUID, str], Mapping[str, Any]]
) -> None:
    rows = [
        {"series_uuid": series_uuid, "digest": digest, "attributes": dict(attributes)}
        for (series_uuid, digest), attributes in sorted(headers.items(), key=lambda each: each[0])
    ]
    insert = upsert(transaction.connection, dicom_headers).on_conflict_do_nothing()
    await transaction.execute(insert, rows)


def _row(arrival: Arrival, series_uuid: UUID) -> DicomInstanceRecord:
    facts, content = arrival.facts, arrival.object
    header = orjson.dumps(content["header"], option=orjson.OPT_SORT_KEYS)
    return DicomInstanceRecord(
        item_uuid=arrival.item_uuid,
        series_uuid=series_uuid,
        header_digest=hashlib.sha256(header).hexdigest()[:32],
        sop_instance_uid=facts.dicom_instance_uid or "",
        sop_class_uid=content["sop_class_uid"],
        transfer_syntax_uid=content["transfer_syntax_uid"],
        number=facts.dicom_instance_number,
        frames=facts.frame_count,
        rows=facts.height,
        columns=facts.width,
        file_size=facts.file_size,
        has_pixels=content["has_pixels"],
    )
