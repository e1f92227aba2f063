"""Plans of copies of DICOM studies, before a job makes them: their UIDs and attributes."""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.dicom_units import (
    CopySpec,
    DicomSpec,
    StudySource,
    UidRules,
    parts_of,
)
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.dicom.anonymization import AnonymizationOptions, PlannedAction, plan
from gateway.dicom.documents import unpack
from gateway.dicom.pseudonyms import Pseudonyms
from gateway.dicom.rewriting.edits import study_document
from gateway.models.dicom import (
    DicomStudyRecord,
    DicomTagsRecord,
    dicom_headers,
    dicom_series,
    dicom_studies,
    dicom_tags,
)

SECRET_BYTES = 32
MAX_ACTIONS = 10_000
"""Actions of an anonymization that are listed."""
_MAX_HEADERS = 100
"""Combinations of attributes of a study among which values are looked for."""
_PATIENT_ID, _PATIENT_ID_ISSUER = "00100020", "00100021"


class _HeaderRow(NamedTuple):
    first_item_uuid: UUID


class Deletion(NamedTuple):
    """Whether originals are deleted, and even if datasets use them."""

    is_wanted: bool = False
    allow_dataset: bool = False
    allow_mirror: bool = False


def new_secret() -> bytes:
    """Return the secret of a job of its own."""
    return secrets.token_bytes(SECRET_BYTES)


def copies_of(
    sources: Sequence[StudySource],
    rules: Sequence[UidRules],
    secret: bytes,
    deletion: Deletion,
    *,
    into: UUID | None = None,
    study: dict[str, Any] | None = None,
) -> DicomSpec:
    """Return the work of a job that copies studies without anonymizing them."""
    copy = CopySpec(
        uids=list(rules),
        into=into.hex if into else None,
        study=study,
        options=None,
        project=None,
        removes_sources=deletion.is_wanted,
    )
    return DicomSpec(
        sources=list(sources),
        all_versions=False,
        attachments=False,
        allow_dataset_changes=deletion.allow_dataset,
        allow_mirror_dataset_changes=deletion.allow_mirror,
        copy=copy,
        secret=secret.hex(),
    )


def uid_rules(
    study_uid: str, new_study_uid: str, new_series: bool | None, new_instances: bool | None
) -> UidRules:
    """Return the rules for a study; None stands for new UIDs if the UID of the study changes."""
    changes = study_uid != new_study_uid
    return UidRules(
        study_uid=study_uid,
        new_study_uid=new_study_uid,
        new_series_uids=changes if new_series is None else new_series,
        new_instance_uids=changes if new_instances is None else new_instances,
    )


def new_study_uid(secret: bytes, study_uid: str) -> str:
    """Return the UID of a copy of a study as a new one."""
    return Pseudonyms(secret).uid(study_uid)


async def find_study_row(transaction: Transaction, study_uuid: UUID) -> DicomStudyRecord:
    """Return a study that exists."""
    chosen = sa.select(dicom_studies).where(dicom_studies.c.uuid == study_uuid)
    return await transaction.single(chosen, DicomStudyRecord)


async def study_attributes(
    transaction: Transaction, study: DicomStudyRecord, source: StudySource
) -> dict[str, Any]:
    """Return the attributes of patient and study that the files of a part of a study have.

    Each is that of the earliest instance that has one, in the JSON model of DICOM. Corrections are
    left out, as they go on to replace what the files say.
    """
    attributes: dict[str, Any] = {}
    for row in await _first_tags(transaction, source):
        for tag, element in study_document(unpack(row.document)).items():
            if element.get("Value") and not attributes.get(tag, {}).get("Value"):
                attributes[tag] = element
            attributes.setdefault(tag, element)
    attributes[_PATIENT_ID] = {"vr": "LO", "Value": [study.patient_id] if study.patient_id else []}
    attributes.pop(_PATIENT_ID_ISSUER, None)
    if study.patient_id_issuer:
        attributes[_PATIENT_ID_ISSUER] = {"vr": "LO", "Value": [study.patient_id_issuer]}
    return attributes


def anonymized_copies(
    sources: Sequence[StudySource],
    options: dict[str, Any],
    project_uuid: UUID | None,
    secret: bytes | None,
) -> DicomSpec:
    """Return the work of a job that anonymizes studies.

    Args:
        options: see `options_from`.
        secret: that of the job itself, unless it has a project.
    """
    copy = CopySpec(
        uids=[],
        into=None,
        study=None,
        options=options,
        project=None if project_uuid is None else project_uuid.hex,
        removes_sources=False,
    )
    return DicomSpec(
        sources=list(sources),
        all_versions=False,
        attachments=False,
        allow_dataset_changes=False,
        allow_mirror_dataset_changes=False,
        copy=copy,
        secret=secret.hex() if secret else None,
    )


async def planned_actions(
    transaction: Transaction, sources: Sequence[StudySource], options: AnonymizationOptions
) -> list[PlannedAction]:
    """Return what an anonymization does to elements, for up to 100 instances of each study.

    These are the earliest of each combination of attributes.
    """
    actions: dict[str, PlannedAction] = {}
    for source in sources:
        for row in await _first_tags(transaction, source):
            for action in plan(unpack(row.document), options):
                actions.setdefault(action.path, action)
    return [actions[path] for path in sorted(actions)][:MAX_ACTIONS]


async def _first_tags(transaction: Transaction, source: StudySource) -> list[DicomTagsRecord]:
    """Return the tags of the earliest instance of each combination of attributes."""
    headers = (
        sa.select(dicom_headers.c.first_item_uuid)
        .join(dicom_series, dicom_series.c.uuid == dicom_headers.c.series_uuid)
        .where(*parts_of(source), dicom_headers.c.first_item_uuid.is_not(None))
        .order_by(dicom_headers.c.first_item_uuid)
        .limit(_MAX_HEADERS)
    )
    uuids = [row.first_item_uuid for row in await transaction.rows(headers, _HeaderRow)]
    documents = sa.select(dicom_tags).where(in_keys(dicom_tags.c.item_uuid, uuids))
    return await transaction.rows(documents.order_by(dicom_tags.c.item_uuid), DicomTagsRecord)
