"""DICOM studies: how they are resolved."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_study
from gateway.auth.role_columns import role_at
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder, sees_item
from gateway.catalog.dicom_study_keys import StudyKey, check_is_single, matching_studies
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
from gateway.execution.declarations import (
    Computed,
    Direction,
    KeyedRows,
    Orders,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.kinds.enums import StorageUserRole
from gateway.models.dicom import (
    dicom_studies,
    dicom_study_places,
    study_attachments,
)
from gateway.models.folders import folders
from gateway.models.items import items
from resolvers.dicom_identity import identifying, is_masked_study
from resolvers.global_ids import id_from
from resolvers.inputs.dicom import PatientId, PatientIdIssuer, StudyFolder, StudyUid
from resolvers.inputs.lists import StorageOrderField
from resolvers.items import item_by_uuid
from resolvers.orders import by_name


@dataclass(frozen=True, slots=True)
class NameGroups:
    """A name of a person as DICOM has it: components divided by `^`, in up to three scripts."""

    alphabetic: str | None
    ideographic: str | None
    phonetic: str | None

    @classmethod
    def from_stored(cls, text: str | None) -> "NameGroups | None":
        """Return the groups of a stored name, which `=` divides; None without any."""
        groups = [group.rstrip("^") or None for group in (text or "").split("=")[:3]]
        return cls(*groups, *[None] * (3 - len(groups))) if any(groups) else None


id_of = id_from("DicomStudy", dicom_studies.c.uuid)
study_by_uuid = ToOne(dicom_studies, "study_uuid", access=sees_study)
root_folder_of = ToOne(folders, dicom_studies.c.root_folder_uuid, access=sees_folder)
patient_id_of = identifying(dicom_studies.c.patient_id, lambda text: text or None)
patient_id_issuer_of = identifying(dicom_studies.c.patient_id_issuer, lambda text: text or None)
patient_birth_date_of = identifying(dicom_studies.c.patient_birth_date)
patient_sex_of = identifying(dicom_studies.c.patient_sex)
study_date_of = identifying(dicom_studies.c.study_date)
study_time_of = identifying(dicom_studies.c.study_time)
accession_number_of = identifying(dicom_studies.c.accession_number)
study_id_of = identifying(dicom_studies.c.study_id)
description_of = identifying(dicom_studies.c.description)
folders_of = ToMany(
    "studyFolders",
    folders,
    by_name(folders.c.name_key, folders.c.uuid),
    key=dicom_studies.c.uuid,
    parent=dicom_study_places.c.study_uuid,
    source=folders.join(dicom_study_places, dicom_study_places.c.folder_uuid == folders.c.uuid),
    where=lambda query: [sees_folder(query.viewer)],
)
_attached = sa.select(
    study_attachments.c.item_uuid,
    study_attachments.c.study_uuid,
    study_attachments.c.created_at.label("attached_at"),
).subquery("attached")
attachments_of = ToMany(
    "studyAttachments",
    items,
    Orders(
        {StorageOrderField.CREATED_AT: _attached.c.attached_at},
        StorageOrderField.CREATED_AT,
        items.c.uuid,
        Direction.DESC,
    ),
    key=dicom_studies.c.uuid,
    parent=_attached.c.study_uuid,
    source=items.join(_attached, _attached.c.item_uuid == items.c.uuid),
    extras={"attached_at": _attached.c.attached_at},
    where=lambda query: [sees_item(query.viewer)],
)
attached_at_on_edge = Computed(("node",), lambda edge: edge.node.attached_at)


class StudyMatch(NamedTuple):
    """A study that a key names."""

    uuid: UUID


_studies = KeptStatement(
    lambda viewer, key: (
        sa.select(dicom_studies.c.uuid).where(*matching_studies(viewer, key)).limit(2)
    ),
    StudyMatch,
)
STUDY = KeyedRows(study_by_uuid)


async def find_study(
    context: Context,
    *,
    folder_uuid: StudyFolder,
    study_uid: StudyUid,
    patient_id: PatientId = None,
    patient_id_issuer: PatientIdIssuer = None,
) -> UUID | None:
    """A DICOM study in a folder. Null if there is none that the viewer can see."""
    key = StudyKey(folder_uuid, study_uid, patient_id, patient_id_issuer)
    studies = await _studies.rows(context.database, context.viewer, (), key)
    check_is_single(studies, key)
    return studies[0].uuid if studies else None


def _names(keys: list[tuple[str | None, bool]]) -> list[NameGroups | None]:
    """Return names by their groups; None where they are masked."""
    return [None if masked else NameGroups.from_stored(name) for name, masked in keys]


@batch(dicom_studies.c.patient_name, is_masked_study)
async def patient_name_of(
    _context: Context, keys: list[tuple[str | None, bool]]
) -> list[NameGroups | None]:
    """Return the names of patients, by their groups."""
    return _names(keys)


@batch(dicom_studies.c.referring_physician_name, is_masked_study)
async def referring_physician_of(
    _context: Context, keys: list[tuple[str | None, bool]]
) -> list[NameGroups | None]:
    """Return the names of referring physicians, by their groups."""
    return _names(keys)


class RoleOnPart(NamedTuple):
    """The viewer's role on a folder with a part of a study."""

    study_uuid: UUID
    role: StorageUserRole


_roles_on_parts = KeptStatement(
    lambda viewer: (
        sa.select(dicom_study_places.c.study_uuid, role_at(viewer, folders.c.path).label("role"))
        .join(folders, folders.c.uuid == dicom_study_places.c.folder_uuid)
        .where(in_bound_keys(dicom_study_places.c.study_uuid, KEYS), sees_folder(viewer))
    ),
    RoleOnPart,
)


@batch(dicom_studies.c.uuid)
async def viewer_role_on(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    """Load the viewer's roles on studies: the weakest of those on the parts that they see."""
    roles: dict[UUID, list[StorageUserRole]] = defaultdict(list)
    for row in await _roles_on_parts.rows(context.database, context.viewer, keys):
        roles[row.study_uuid].append(row.role)
    weakest = StorageUserRole.VIEWER
    return [min(roles[key], key=lambda role: role.rank, default=weakest) for key in keys]


class AttachedRow(NamedTuple):
    """A study and the item that was attached last."""

    study_uuid: UUID
    item_uuid: UUID | None


@kept_statement(AttachedRow)
def latest_attachments(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the items that were attached last to studies."""
    latest = (
        sa.select(study_attachments.c.item_uuid)
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .where(study_attachments.c.study_uuid == dicom_studies.c.uuid, sees_item(viewer))
        .order_by(study_attachments.c.created_at.desc(), study_attachments.c.item_uuid.desc())
        .limit(1)
        .scalar_subquery()
    )
    selected = sa.select(dicom_studies.c.uuid.label("study_uuid"), latest.label("item_uuid"))
    return selected.where(in_bound_keys(dicom_studies.c.uuid, KEYS))


@batch(dicom_studies.c.uuid, rows=KeyedRows(item_by_uuid))
async def latest_attachment_of(context: Context, keys: list[UUID]) -> list[UUID | None]:
    """Load the items that were attached last to studies, of those that the viewer can see."""
    rows = await latest_attachments.rows(context.database, context.viewer, keys)
    attached = {row.study_uuid: row.item_uuid for row in rows}
    return [attached.get(key) for key in keys]
