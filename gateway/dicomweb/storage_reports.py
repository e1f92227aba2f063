"""Reports on instances that a request has stored (PS3.18, 10.5.3)."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.job_visibility import sees_upload_job
from gateway.context import Context
from gateway.dicom.documents import Document
from gateway.dicomweb.incoming_parts import FAILED, StorageFailure
from gateway.dicomweb.scope import Target
from gateway.kinds.enums import JobStatus
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
from gateway.models.jobs import jobs
from gateway.models.uploads import upload_units

_REFERENCED, _FAILED = "00081199", "00081198"
_CLASS, _INSTANCE, _URL, _REASON, _COMMENT = (
    "00081150",
    "00081155",
    "00081190",
    "00081197",
    "00000902",
)
_MAX_COMMENT = 64


class StoredUnit(NamedTuple):
    """A unit of the job that stores instances; without UIDs until its file has been read."""

    status: JobStatus
    title: str | None
    error: str | None
    study_uid: str | None
    series_uid: str | None
    sop_instance_uid: str | None
    sop_class_uid: str | None


async def units_of(context: Context, folder_uuid: UUID, job_uuid: UUID) -> list[StoredUnit]:
    """Return the units of a job in a folder; none if the viewer sees no such job."""
    source = (
        upload_units.join(jobs, jobs.c.uuid == upload_units.c.job_uuid)
        .outerjoin(dicom_instances, dicom_instances.c.item_uuid == upload_units.c.item_uuid)
        .outerjoin(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .outerjoin(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
    )
    chosen = (
        sa.select(
            upload_units.c.status,
            upload_units.c.title,
            upload_units.c.error,
            dicom_studies.c.study_uid,
            dicom_series.c.series_uid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.sop_class_uid,
        )
        .select_from(source)
        .where(
            upload_units.c.job_uuid == job_uuid,
            jobs.c.folder_uuid == folder_uuid,
            sees_upload_job(context.viewer),
        )
        .order_by(upload_units.c.position)
    )
    return [StoredUnit(*row) for row in await context.database.rows(chosen, StoredUnit)]


class StorageReport:
    """The fate of the instances of a request.

    Attributes:
        is_pending: whether some are still being read.
    """

    def __init__(self, units: Sequence[StoredUnit], failures: Sequence[StorageFailure]) -> None:
        self.is_pending = any(unit.status is JobStatus.PENDING for unit in units)
        self._stored = [unit for unit in units if unit.status is JobStatus.DONE]
        self._failures = [
            *failures,
            *(
                StorageFailure(FAILED, unit.error or "cancelled", None, uid_of(unit.title))
                for unit in units
                if unit.status in (JobStatus.ERROR, JobStatus.CANCELLED)
            ),
        ]

    @property
    def status(self) -> int:
        """The status of a response: 200; 202 if some failed or are pending, 409 if all failed."""
        if self.is_pending:
            return 202
        if not self._stored:
            return 409
        return 202 if self._failures else 200

    def document(self, base: str) -> Document:
        """Return the report; `base` is the URL of the folder."""
        document: Document = {}
        studies = {unit.study_uid for unit in self._stored}
        if len(studies) == 1:
            url = f"{base}{Target(*studies)}"
            document[_URL] = {"vr": "UR", "Value": [url]}
        if self._failures:
            failed = [failed_item(failure) for failure in self._failures]
            document[_FAILED] = {"vr": "SQ", "Value": failed}
        if self._stored:
            stored = [stored_item(unit, base) for unit in self._stored]
            document[_REFERENCED] = {"vr": "SQ", "Value": stored}
        return dict(sorted(document.items()))


def uid_of(title: str | None) -> str | None:
    """Return the UID in the name that a part was given."""
    uid = (title or "").removesuffix(".dcm")
    return uid if uid[:1].isdigit() else None


def _uids(sop_class: str | None, sop_instance: str | None) -> dict[str, Any]:
    pairs = ((_CLASS, sop_class), (_INSTANCE, sop_instance))
    return {tag: {"vr": "UI", "Value": [uid]} if uid else {"vr": "UI"} for tag, uid in pairs}


def failed_item(failure: StorageFailure) -> Document:
    """Return the item of an instance that is not stored."""
    return {
        _COMMENT: {"vr": "LO", "Value": [failure.message[:_MAX_COMMENT]]},
        **_uids(failure.sop_class_uid, failure.sop_instance_uid),
        _REASON: {"vr": "US", "Value": [failure.reason]},
    }


def stored_item(unit: StoredUnit, base: str) -> Document:
    """Return the item of an instance that is stored, with its URL."""
    target = Target(unit.study_uid, unit.series_uid, unit.sop_instance_uid)
    return {
        **_uids(unit.sop_class_uid, unit.sop_instance_uid),
        _URL: {"vr": "UR", "Value": [f"{base}{target}"]},
    }
