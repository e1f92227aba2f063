"""Edits of DICOM studies: corrected attributes next to the files, and rows derived again."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_study_identity
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import in_visible_folder
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.dicom_series import SopKey, refresh_series
from gateway.catalog.ledger.dicom_studies import lock_studies_of, refresh_studies
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.engine import Transaction
from gateway.errors import forbidden, not_found
from gateway.models.dicom import (
    DicomStudyPlaceRecord,
    DicomStudyRecord,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
)


async def lock_study(transaction: Transaction, study_uuid: UUID) -> DicomStudyRecord:
    """Lock a study until the transaction ends, and return its row.

    Raises:
        DomainError: `NOT_FOUND`, the study has gone in the meantime.
    """
    await lock_studies_of(transaction, [], [study_uuid])
    chosen = sa.select(dicom_studies).where(dicom_studies.c.uuid == study_uuid)
    study = await transaction.first(chosen, DicomStudyRecord)
    if study is None:
        raise not_found("study", study_uuid, "studyUid")
    return study


async def correct_study(
    transaction: Transaction, viewer: Viewer, study_uuid: UUID, values: Mapping[str, Any]
) -> None:
    """Set attributes of a study by their columns; None takes a correction back.

    The journal names the attributes, but not their values, which may identify the patient.

    Raises:
        DomainError: `FORBIDDEN`, the identity of the study is masked to the viewer, or they do not
            see all its parts.
    """
    study = await lock_study(transaction, study_uuid)
    shown = sa.select(dicom_studies).where(
        dicom_studies.c.uuid == study_uuid, sees_study_identity(viewer, dicom_studies.c.uuid)
    )
    if await transaction.first(shown, DicomStudyRecord) is None:
        message = "Identities are masked there. Correcting them requires a grant with seesPhi."
        raise forbidden(message, "folderUuid")
    hidden = sa.select(dicom_study_places).where(
        dicom_study_places.c.study_uuid == study_uuid,
        ~in_visible_folder(viewer, dicom_study_places.c.folder_uuid),
    )
    if await transaction.first(hidden.limit(1), DicomStudyPlaceRecord) is not None:
        message = "Corrections apply to the whole study, of which you do not see all parts."
        raise forbidden(message, "folderUuid")
    merged = {**study.corrections, **values}
    corrections = {name: value for name, value in merged.items() if value is not None}
    mine = dicom_studies.c.uuid == study_uuid
    await transaction.execute(
        sa.update(dicom_studies)
        .where(mine)
        .values(corrections=corrections, phi_version=study.phi_version + 1)
    )
    await refresh_studies(transaction, [study_uuid])
    after = {"corrected": sorted(values), "phi_version": study.phi_version + 1}
    home = study.root_folder_uuid
    # Its parts may be in private folders below.
    entry = JournalEntry("UPDATE", "DicomStudy", study_uuid, home, after=after, is_private=True)
    await journal.append(transaction, viewer.user_uuid, [entry])


class _Instance(NamedTuple):
    series_uuid: UUID
    sop_instance_uid: str


async def derive_again(
    transaction: Transaction, study_uuid: UUID, folders: Collection[UUID]
) -> None:
    """Derive the series of a study in some folders, and the study itself, from its instances."""
    await lock_study(transaction, study_uuid)
    chosen = (
        sa.select(dicom_instances.c.series_uuid, dicom_instances.c.sop_instance_uid)
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .where(dicom_series.c.study_uuid == study_uuid, dicom_series.c.folder_uuid.in_(folders))
        .distinct()
    )
    rows = await transaction.rows(chosen, _Instance)
    await refresh_series(transaction, {SopKey(*row) for row in rows})
    await refresh_studies(transaction, [study_uuid])
