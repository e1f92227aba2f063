"""Studies as clients name them: by a folder, the study UID and, where needed, the patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.identity import sees_study_identity
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import in_visible_folder, sees_below, sees_folder
from gateway.catalog.rules.dicom_values import check_uid
from gateway.database.tree import within
from gateway.error_texts import sized
from gateway.errors import bad_input, not_found
from gateway.models.dicom import dicom_studies, dicom_study_places
from gateway.models.folders import folders

MAX_PATIENT_KEY = 1000
"""Characters of the ID of a patient, or of its issuer, that are compared."""


@dataclass(frozen=True, slots=True)
class StudyKey:
    """The keys that every input has that names a study.

    Attributes:
        folder_uuid: a folder that has a part of the study, itself or below it.
        patient_id: None for any patient, empty for an unknown one.
        patient_id_issuer: None for any issuer, empty if the files name none.
    """

    folder_uuid: UUID
    study_uid: str
    patient_id: str | None = None
    patient_id_issuer: str | None = None


def in_scope(
    viewer: Viewer, place_folder_uuid: sa.ColumnElement[UUID], folder_uuid: UUID | None
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that the viewer sees a folder, and that it lies in or below another.

    Nothing lies in a folder that the viewer does not see.
    """
    if folder_uuid is None:
        return [in_visible_folder(viewer, place_folder_uuid)]
    home, top = folders.alias("home"), folders.alias("top")
    return [
        sa.exists()
        .select_from(home.join(top, within(home.c.path, top.c.path)))
        .where(
            home.c.uuid == place_folder_uuid,
            top.c.uuid == folder_uuid,
            sees_folder(viewer, top),
            *sees_below(viewer, home, top),
        )
    ]


def matching_studies(
    viewer: Viewer, key: StudyKey, *path: str | int
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions on `dicom_studies` of the studies with a key that the viewer sees.

    The patients of studies that are masked to the viewer match nothing.

    Raises:
        DomainError: `BAD_USER_INPUT`, the study UID is malformed, or the patient's ID or its issuer
            is too long; `path` leads to the key.
    """
    uid = check_uid(key.study_uid, *path, "studyUid")
    for name, text in (("patientId", key.patient_id), ("patientIdIssuer", key.patient_id_issuer)):
        if text is not None and len(text) > MAX_PATIENT_KEY:
            raise bad_input(sized(name, 0, MAX_PATIENT_KEY, len(text)), *path, name)
    place = dicom_study_places.alias()
    conditions = [
        dicom_studies.c.study_uid == uid,
        sa.exists().where(
            place.c.study_uuid == dicom_studies.c.uuid,
            *in_scope(viewer, place.c.folder_uuid, key.folder_uuid),
        ),
    ]
    if key.patient_id is not None:
        conditions.append(dicom_studies.c.patient_id == key.patient_id)
    if key.patient_id_issuer is not None:
        conditions.append(dicom_studies.c.patient_id_issuer == key.patient_id_issuer)
    if key.patient_id is not None or key.patient_id_issuer is not None:
        conditions.append(sees_study_identity(viewer, dicom_studies.c.uuid))
    return conditions


def check_is_single(studies: Sequence[object], key: StudyKey, *path: str | int) -> None:
    """Raise `BAD_USER_INPUT` if a key names several studies, saying which key is missing."""
    if len(studies) < 2:
        return
    name = "patientId" if key.patient_id is None else "patientIdIssuer"
    raise bad_input(f"Several studies have this UID here. Pass {name}.", *path, name)


async def find_study(
    connection: AsyncConnection, viewer: Viewer, key: StudyKey, *path: str | int
) -> UUID:
    """Return the UUID of the study that an input of a mutation names at a path.

    Raises:
        DomainError: `NOT_FOUND` if the viewer sees no such study, `BAD_USER_INPUT` if the key is
            malformed or names several.
    """
    chosen = sa.select(dicom_studies.c.uuid).where(*matching_studies(viewer, key, *path)).limit(2)
    studies: Sequence[UUID] = (await connection.execute(chosen)).scalars().all()
    check_is_single(studies, key, *path)
    if not studies:
        raise not_found("study", key.study_uid, *path, "studyUid")
    return studies[0]
