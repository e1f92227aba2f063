"""Attachments of studies, which follow their items."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.dicom_studies import StudyKey, lock_studies_of, refresh_studies
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import LEAVING, ancestors
from gateway.models.dicom import dicom_studies, study_attachments
from gateway.models.folders import folders
from gateway.models.items import items


class _AttachmentRow(NamedTuple):
    """An attachment, the study that it belongs to, and the path of its item's folder."""

    item_uuid: UUID
    study_uuid: UUID
    root_folder_uuid: UUID
    study_uid: str
    patient_id: str
    patient_id_issuer: str
    path: str


async def attachments_left(transaction: Transaction, item_uuids: Collection[UUID]) -> None:
    """Remove items that are deleted from the studies that they are attached to."""
    rows = await transaction.rows(_select(item_uuids), _AttachmentRow)
    if rows:
        studies = {row.study_uuid for row in rows}
        await lock_studies_of(transaction, (), studies)
        mine = in_keys(study_attachments.c.item_uuid, [row.item_uuid for row in rows])
        await transaction.execute(sa.delete(study_attachments).where(mine))
        await refresh_studies(transaction, studies)


async def attachments_moved(transaction: Transaction, item_uuids: Collection[UUID]) -> None:
    """Let attachments whose items have moved belong to the same study of their root folder now."""
    rows = await transaction.rows(_select(item_uuids), _AttachmentRow)
    if not rows:
        return
    keys = {
        row.item_uuid: StudyKey(
            # The folder of an item that is being deleted has no root any more.
            row.root_folder_uuid if row.path.startswith(LEAVING) else ancestors(row.path)[-1],
            row.study_uid,
            row.patient_id,
            row.patient_id_issuer,
        )
        for row in rows
    }
    studies = await lock_studies_of(
        transaction, set(keys.values()), {row.study_uuid for row in rows}
    )
    for study_key, study_uuid in studies.items():
        moved = [uuid for uuid, key in keys.items() if key == study_key]
        mine = in_keys(study_attachments.c.item_uuid, moved)
        update = sa.update(study_attachments).where(mine).values(study_uuid=study_uuid)
        await transaction.execute(update)
    await refresh_studies(transaction, {*studies.values(), *(row.study_uuid for row in rows)})


def _select(item_uuids: Collection[UUID]) -> sa.Select[Any]:
    return (
        sa.select(
            study_attachments.c.item_uuid,
            study_attachments.c.study_uuid,
            dicom_studies.c.root_folder_uuid,
            dicom_studies.c.study_uid,
            dicom_studies.c.patient_id,
            dicom_studies.c.patient_id_issuer,
            folders.c.path,
        )
        .join(dicom_studies, dicom_studies.c.uuid == study_attachments.c.study_uuid)
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .join(folders, folders.c.uuid == items.c.folder_uuid)
        .where(in_keys(study_attachments.c.item_uuid, item_uuids))
    )
