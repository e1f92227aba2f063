"""Jobs about DICOM studies and their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import DicomCopyOperation, DicomJobPhase, DicomJobUnitStatus
from resolvers import dicom_jobs, uploads
from resolvers.dicom import study_by_uuid
from resolvers.jobs import job_by_uuid
from schema.common import Connection, Node
from schema.dicom import DicomStudy
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.jobs import Job

if TYPE_CHECKING:
    from schema.items import StorageItem


@row_type()
@strawberry.type(description="An instance, or an attachment, of a DICOM study that a job is about.")
class DicomJobUnit(Node):
    id: strawberry.ID = resolved(dicom_jobs.unit_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The unit's UUID.")
    position: int = column("Position of the unit in the job, counted from 0.")
    status: DicomJobUnitStatus = column("The state of the unit.")
    series_uid: str | None = column(
        "The Series Instance UID (0020,000E) of the instance; null for attachments."
    )
    sop_instance_uid: str | None = column(
        "The SOP Instance UID (0008,0018) of the instance; null for attachments."
    )
    item: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        uploads.item_of,
        "The item. Null if it has been deleted or the viewer cannot see it.",
    )
    copy: Annotated[StorageItem, strawberry.lazy("schema.items")] | None = resolved(
        dicom_jobs.copy_of,
        "The copy of the instance. Null if there is none, or none that the viewer can see.",
    )
    error: str | None = column(
        "The reason why the unit failed, or was left out; null if it did not."
    )


@row_type()
@strawberry.type(
    description="The deletion of a DICOM study. Its units are the instances in all their versions, "
    "and the attachments unless they are kept; each is gone as soon as its unit is done. Visible "
    "only to the user who started it and to site admins. It acts for that user, with the roles "
    "that they have at the time."
)
class DicomDeletionJob(Job):
    dicom_study_uids: list[str] = column(
        "The Study Instance UID (0020,000D) of the study: at most one.", "studyUids"
    )
    dicom_phase: DicomJobPhase = column(
        "The phase that the job is in, or was in when it ended.", "phase"
    )
    units: Connection[DicomJobUnit] = resolved(
        dicom_jobs.units_of, "The instances and attachments, with their states."
    )


@row_type()
@strawberry.type(
    description="Copies of DICOM instances: a study is split or cloned, studies are merged, or are "
    "anonymized. Its units are the instances, without earlier versions. Originals are deleted only "
    "if that was asked for, and only once all copies are made: if an instance cannot be copied, "
    "all originals stay. Visible only to the user who started it and to site admins. It acts for "
    "that user, with the roles that they have at the time."
)
class DicomCopyJob(Job):
    dicom_operation: DicomCopyOperation = column("The way in which they are copied.", "operation")
    dicom_study_uids: list[str] = column(
        "The Study Instance UIDs (0020,000D) of the copies, at most 100, in the order of the studies "
        "in the input.",
        "studyUids",
    )
    target_folder: StorageFolder | None = resolved(
        dicom_jobs.target_folder_of,
        "The folder that gets the copies. Null if it has been deleted or the viewer cannot see it.",
    )
    dicom_phase: DicomJobPhase = column(
        "The phase that the job is in, or was in when it ended.", "phase"
    )
    units: Connection[DicomJobUnit] = resolved(
        dicom_jobs.units_of, "The instances, with their states and copies."
    )


@row_type()
@strawberry.type(description="A DICOM study to which a job added instances before it ended.")
class DicomStudyReady:
    study: DicomStudy | None = resolved(
        study_by_uuid,
        "The study in its current state. Null in an event that confirms the subscription, and if "
        "the study has been deleted since.",
    )
    job: Job | None = resolved(
        job_by_uuid,
        "The job that has ended. Null in an event that confirms the subscription, and if the "
        "viewer cannot see the job: copies are seen by the user who started them.",
    )
    latest: str = column(
        "The position of the event. Pass it as `after` to resume after a lost connection."
    )
