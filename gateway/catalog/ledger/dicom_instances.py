"""Instances: the DICOM objects in items' files, kept with the series and studies that they form.

Callers have locked the items. Each function keeps the folders concerned where they are, locks the
studies, and derives what follows from their instances. No transaction calls two of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.dicom_series import SeriesKey, SopKey, ensure_series, refresh_series
from gateway.catalog.ledger.dicom_studies import (
    StudyIdentity,
    carry_corrections,
    lock_studies_of,
    refresh_studies,
)
from gateway.catalog.ledger.dicom_tags import save_tags
from gateway.catalog.ledger.dicom_values import keep_values
from gateway.catalog.ledger.study_attachments import Attachment, find_attachments
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.database.tree import LEAVING, ancestors
from gateway.dicom.headers import digest_of
from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.media_facts import MediaFacts
from gateway.models.base import new_row
from gateway.models.dicom import (
    DicomInstanceRecord,
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    study_attachments,
)
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord


class Arrival(NamedTuple):
    """A file with a DICOM object that was read, or read again, for an item in a folder."""

    item_uuid: UUID
    folder_uuid: UUID
    facts: MediaFacts
    object: DicomObject


class _Located(NamedTuple):
    """An instance with what leads to its series and study."""

    item_uuid: UUID
    sop_instance_uid: str
    header_digest: str
    is_live: bool
    series_uuid: UUID
    series_uid: str
    study_uuid: UUID
    study_uid: str
    patient_id: str
    patient_id_issuer: str
    attributes: dict[str, Any]


async def files_read(
    transaction: Transaction, arrivals: Sequence[Arrival], others: Sequence[ItemRecord] = ()
) -> None:
    """Insert or replace the instances of items whose files were read, with their tags.

    Instances of others, whose files are no DICOM objects any more, are deleted.
    """
    gone = await _find_instances(transaction, others)
    if not arrivals:
        await _remove(transaction, gone, [])
        return
    roots = await _lock_roots(transaction, {each.folder_uuid for each in arrivals})
    arrivals = [each for each in arrivals if each.folder_uuid in roots]
    before = await _locate(transaction, [each.item_uuid for each in arrivals])
    keys = {
        each.item_uuid: StudyIdentity(
            roots[each.folder_uuid],
            each.facts.dicom_study_uid or "",
            each.object["header"].get("patient_id", ""),
            each.object["header"].get("patient_id_issuer", ""),
        )
        for each in arrivals
    }
    studies = await lock_studies_of(
        transaction, set(keys.values()), {row.study_uuid for row in (*before, *gone)}
    )
    await _remove(transaction, gone, [])
    series = await _enter_series(
        transaction,
        {
            each.item_uuid: SeriesKey(
                studies[keys[each.item_uuid]],
                each.folder_uuid,
                each.facts.dicom_series_uid or "",
            )
            for each in arrivals
        },
        {each.item_uuid: each.object["header"] for each in arrivals},
    )
    rows = [instance_row(each, series[each.item_uuid]) for each in arrivals]
    insert = upsert(transaction.connection, dicom_instances)
    changes = {name: insert.excluded[name] for name in rows[0] if name != "item_uuid"}
    replaced = insert.on_conflict_do_update(index_elements=["item_uuid"], set_=changes)
    await transaction.execute(replaced, rows)
    objects = {each.item_uuid: each.object for each in arrivals}
    await keep_values(transaction, _series_of_live(before), series, objects)
    await save_tags(transaction, objects)
    changed = {SopKey(row["series_uuid"], row["sop_instance_uid"]) for row in rows}
    await _refresh(transaction, before, changed, set(studies.values()))


async def parts_left(transaction: Transaction, rows: Sequence[ItemRecord]) -> None:
    """Take items that are about to be deleted out of the studies that they are parts of.

    Parts are instances and attachments.
    """
    attachments = await find_attachments(transaction, [row.uuid for row in rows])
    await _remove(transaction, await _find_instances(transaction, rows), attachments)


async def parts_moved(
    transaction: Transaction, rows: Sequence[ItemRecord], folder_uuid: UUID
) -> None:
    """Let instances and attachments follow items that have moved to a folder.

    Args:
        rows: the items as they were before.
        folder_uuid: the folder, whose root has the studies that they are parts of now.
    """
    attachments = await find_attachments(transaction, [row.uuid for row in rows])
    before = await _find_instances(transaction, rows)
    if not before and not attachments:
        return
    root = (await _lock_roots(transaction, {folder_uuid}))[folder_uuid]
    parts: list[_Located | Attachment] = [*before, *attachments]
    keys = {
        each.item_uuid: StudyIdentity(root, each.study_uid, each.patient_id, each.patient_id_issuer)
        for each in parts
    }
    left = {each.study_uuid for each in parts}
    studies = await lock_studies_of(transaction, set(keys.values()), left)
    moves = {each.study_uuid: studies[keys[each.item_uuid]] for each in parts}
    await carry_corrections(transaction, moves)
    for study_uuid in studies.values():
        moved = [
            each.item_uuid for each in attachments if studies[keys[each.item_uuid]] == study_uuid
        ]
        mine = in_keys(study_attachments.c.item_uuid, moved)
        update = sa.update(study_attachments).where(mine).values(study_uuid=study_uuid)
        await transaction.execute(update)
    targets = await _enter_series(
        transaction,
        {
            row.item_uuid: SeriesKey(studies[keys[row.item_uuid]], folder_uuid, row.series_uid)
            for row in before
        },
        {row.item_uuid: row.attributes for row in before},
    )
    for target in set(targets.values()):
        moved = [uuid for uuid, series_uuid in targets.items() if series_uuid == target]
        mine = in_keys(dicom_instances.c.item_uuid, moved)
        change = {"series_uuid": target, "is_current": False}
        await transaction.execute(sa.update(dicom_instances).where(mine).values(change))
    live = _series_of_live(before)
    await keep_values(transaction, live, {uuid: targets[uuid] for uuid in live})
    changed = {SopKey(targets[row.item_uuid], row.sop_instance_uid) for row in before}
    await _refresh(transaction, before, changed, {*studies.values(), *left})


async def instances_set_live(
    transaction: Transaction, rows: Sequence[ItemRecord], is_live: bool
) -> None:
    """Count instances of items no longer, as these are tombstones now, or count them again."""
    before = await _find_instances(transaction, rows)
    if before:
        await lock_studies_of(transaction, (), {row.study_uuid for row in before})
        mine = in_keys(dicom_instances.c.item_uuid, [row.item_uuid for row in before])
        change = {"is_live": is_live, "is_current": False}
        await transaction.execute(sa.update(dicom_instances).where(mine).values(change))
        after = {row.item_uuid: row.series_uuid for row in before} if is_live else {}
        await keep_values(transaction, _series_of_live(before), after)
        await _refresh(transaction, before)


async def _remove(
    transaction: Transaction, before: Sequence[_Located], attachments: Sequence[Attachment]
) -> None:
    """Delete instances and attachments of items, whose studies may be locked already."""
    if not before and not attachments:
        return
    studies = {row.study_uuid for row in before} | {each.study_uuid for each in attachments}
    await lock_studies_of(transaction, (), studies)
    instances = in_keys(dicom_instances.c.item_uuid, [row.item_uuid for row in before])
    await transaction.execute(sa.delete(dicom_instances).where(instances))
    await keep_values(transaction, _series_of_live(before), {})
    attached = in_keys(study_attachments.c.item_uuid, [each.item_uuid for each in attachments])
    await transaction.execute(sa.delete(study_attachments).where(attached))
    await _refresh(transaction, before, studies=studies)


def _series_of_live(rows: Sequence[_Located]) -> dict[UUID, UUID]:
    """Return the series of instances that are not those of tombstones, by item."""
    return {row.item_uuid: row.series_uuid for row in rows if row.is_live}


async def _enter_series(
    transaction: Transaction,
    keys: Mapping[UUID, SeriesKey],
    headers: Mapping[UUID, Mapping[str, Any]],
) -> dict[UUID, UUID]:
    """Return the series of items, by their keys; these get the headers of the items."""
    if not keys:
        return {}
    series = await ensure_series(transaction, set(keys.values()))
    rows = {(series[key], digest_of(headers[uuid])): headers[uuid] for uuid, key in keys.items()}
    insert = upsert(transaction.connection, dicom_headers).on_conflict_do_nothing()
    await transaction.execute(
        insert,
        [
            {"series_uuid": series_uuid, "digest": digest, "attributes": dict(attributes)}
            for (series_uuid, digest), attributes in rows.items()
        ],
    )
    return {uuid: series[key] for uuid, key in keys.items()}


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


async def _find_instances(transaction: Transaction, rows: Sequence[ItemRecord]) -> list[_Located]:
    """Return the instances of items, and keep their folders, as known before, where they are.

    Only items with the UID of a study have an instance.
    """
    candidates = [row for row in rows if row.dicom_study_uid is not None]
    if not candidates:
        return []
    await _lock_roots(transaction, {row.folder_uuid for row in candidates})
    return await _locate(transaction, [row.uuid for row in candidates])


async def _locate(transaction: Transaction, uuids: Sequence[UUID]) -> list[_Located]:
    statement = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.header_digest,
            dicom_instances.c.is_live,
            dicom_instances.c.series_uuid,
            dicom_series.c.series_uid,
            dicom_series.c.study_uuid,
            dicom_studies.c.study_uid,
            dicom_studies.c.patient_id,
            dicom_studies.c.patient_id_issuer,
            dicom_headers.c.attributes,
        )
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


def instance_row(arrival: Arrival, series_uuid: UUID) -> dict[str, Any]:
    """Return the row of an instance in a series, which is not current yet."""
    facts, content = arrival.facts, arrival.object
    return new_row(
        DicomInstanceRecord,
        item_uuid=arrival.item_uuid,
        series_uuid=series_uuid,
        header_digest=digest_of(content["header"]),
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
