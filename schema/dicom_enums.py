"""Enum types about DICOM, and the description of each of their values."""

from gateway.kinds.enums import (
    DicomAnonymizationAction,
    DicomAvailability,
    DicomCopyOperation,
    DicomJobPhase,
    DicomJobUnitStatus,
    DicomTagIndexStatus,
)
from resolvers.inputs.dicom import DicomStudyOrderField
from resolvers.inputs.dicom_anonymization import DicomLongitudinal
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
    DicomAnonymizationAction,
    KEEP="It stays; the items of a sequence are treated one by one.",
    REMOVE="It is removed.",
    EMPTY="It loses its value.",
    DUMMY="It gets a value that says nothing.",
    NEW_UID="It gets another UID, the same for the same UID.",
    PSEUDONYM="It gets a pseudonym, the same for the same patient.",
    SHIFT_DATE="Its dates are shifted, by the same number of days for the same patient.",
    REPLACE="It gets the value that was given, or that says how the file was anonymized.",
)
described(
    DicomLongitudinal,
    FULL="They stay.",
    MODIFIED="All dates of a patient are shifted by the same number of days; times of day stay.",
)
described(
    DicomCopyOperation,
    SPLIT="Series of a study become a study of their own.",
    MERGE="Series of other studies become a part of a study.",
    CLONE="A study is copied.",
    ANONYMIZE="Studies are copied without what identifies their patients.",
)
described(
    DicomJobPhase,
    LISTING="The instances are listed as units.",
    COPYING="Copies of the instances are made.",
    REMOVING="Items are deleted: those of the study, or those that were copied.",
)
described(
    DicomJobUnitStatus,
    PENDING="Waiting or running.",
    DONE="Done.",
    LEFT_OUT="Not anonymized, as its pixels may show text that identifies the patient.",
    ERROR="Failed; `error` says why.",
    CANCELLED="Cancelled with its job.",
)
described(
    DicomTagIndexStatus,
    FILLING="The values of existing instances are being filled in. Filters by the tag are refused.",
    READY="Studies and series can be filtered by the tag.",
)
