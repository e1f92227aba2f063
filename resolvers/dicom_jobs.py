"""Jobs about DICOM studies and their units: how they are resolved."""

from gateway.auth.job_visibility import sees_dicom_copies, sees_dicom_deletion, sees_dicom_job_unit
from gateway.auth.visibility import sees_folder, sees_item
from gateway.execution.declarations import Argument, ToMany, ToOne
from gateway.kinds.enums import DicomJobUnitStatus
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from resolvers.global_ids import id_from
from resolvers.orders import in_sequence

unit_id_of = id_from("DicomJobUnit", dicom_job_units.c.uuid)
unit_by_uuid = ToOne(dicom_job_units, "unit_uuid", access=sees_dicom_job_unit)
deletion_by_uuid = ToOne(jobs, "job_uuid", access=sees_dicom_deletion)
copies_by_uuid = ToOne(jobs, "job_uuid", access=sees_dicom_copies)
target_folder_of = ToOne(folders, jobs.c.target_folder_uuid, access=sees_folder)
copy_of = ToOne(items, dicom_job_units.c.copy_uuid, access=sees_item)
units_of = ToMany(
    "dicomJobUnits",
    dicom_job_units,
    in_sequence(dicom_job_units.c.position, dicom_job_units.c.uuid),
    key=jobs.c.uuid,
    parent=dicom_job_units.c.job_uuid,
    where=lambda query: (
        [dicom_job_units.c.status.in_(query.arguments["statuses"])]
        if query.arguments["statuses"]
        else []
    ),
    arguments=(
        Argument(
            "statuses",
            list[DicomJobUnitStatus] | None,
            None,
            "Only units in these states; all if null or empty.",
        ),
    ),
)
