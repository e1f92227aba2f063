"""Enum types about DICOM, and the description of each of their values."""

from gateway.kinds.enums import (
    DicomAvailability,
    DicomJobPhase,
    DicomJobUnitStatus,
    DicomTagIndexStatus,
)
from resolvers.inputs.dicom import DicomStudyOrderField
from schema.enums import described

described(
    DicomStudyOrderField,
    STUDY_DATE="By the Study Date (0008,0020).",
    PATIENT_NAME="By the patient's name (0010,0010).",
    CREATED_AT="By when the first file of the study was processed.",
    LAST_EDITED_AT="By when the study last changed.",
)
described(
    DicomAvailability,
    RECEIVING="An upload job into one of the study's folders is running, and the study has changed "
    "since the job began.",
    AVAILABLE="No job is adding to the study, and files of it can be read.",
    UNAVAILABLE="All files of the study that the viewer sees are tombstones.",
)
described(
    DicomJobPhase,
    LISTING="The instances are listed as units.",
    REMOVING="Items are deleted.",
)
described(
    DicomJobUnitStatus,
    PENDING="Waiting or running.",
    DONE="Done.",
    ERROR="Failed; `error` says why.",
    CANCELLED="Cancelled with its job.",
)
described(
    DicomTagIndexStatus,
    FILLING="The values of existing instances are being filled in. Filters by the tag are refused.",
    READY="Studies and series can be filtered by the tag.",
)
