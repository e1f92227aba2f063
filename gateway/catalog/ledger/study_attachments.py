"""Attachments of studies, which follow their items."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.dicom import dicom_studies, study_attachments


class Attachment(NamedTuple):
    """An item that is attached to a study, with what identifies the study."""

    item_uuid: UUID
    study_uuid: UUID
    root_folder_uuid: UUID
    study_uid: str
    patient_id: str
    patient_id_issuer: str


async def find_attachments(
    transaction: Transaction, item_uuids: Collection[UUID]
) -> list[Attachment]:
    """Return those of the items that are attached to studies."""
    names = ("root_folder_uuid", "study_uid", "patient_id", "patient_id_issuer")
    statement = (
        sa.select(
            study_attachments.c.item_uuid,
            study_attachments.c.study_uuid,
            *(dicom_studies.c[name] for name in names),
        )
        .join(dicom_studies, dicom_studies.c.uuid == study_attachments.c.study_uuid)
        .where(in_keys(study_attachments.c.item_uuid, item_uuids))
    )
    return await transaction.rows(statement, Attachment)
