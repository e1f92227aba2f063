"""The attributes that searches match, and that their answers have.

They are those of PS3.18, 10.6, and others of which tables have columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto


class SearchLevel(IntEnum):
    """The objects that a search returns: studies, series or instances."""

    STUDY = 1
    SERIES = 2
    INSTANCE = 3


class Matching(Enum):
    """The way in which values of an attribute are compared."""

    UID = auto()
    NAME = auto()
    TEXT = auto()
    CODE = auto()
    DATE = auto()
    TIME = auto()
    NUMBER = auto()


class Presence(Enum):
    """Which answers have an attribute: all, those with a value, or where it is asked for."""

    ALWAYS = auto()
    IF_KNOWN = auto()
    ON_REQUEST = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of DICOM at its level.

    Attributes:
        tag: eight hexadecimal digits in capitals.
        column: the name of its value in rows of searches; None if it is made of several.
        matching: how it is matched; None if it cannot be.
        presence: which answers have it.
    """

    tag: str
    keyword: str
    vr: str
    level: SearchLevel
    column: str | None = None
    matching: Matching | None = None
    presence: Presence = Presence.ALWAYS


_STUDY, _SERIES, _INSTANCE = SearchLevel.STUDY, SearchLevel.SERIES, SearchLevel.INSTANCE
ATTRIBUTES: Sequence[Attribute] = (
    Attribute("00080020", "StudyDate", "DA", _STUDY, "study_date", Matching.DATE),
    Attribute("00080030", "StudyTime", "TM", _STUDY, "study_time", Matching.TIME),
    Attribute("00080050", "AccessionNumber", "SH", _STUDY, "accession_number", Matching.TEXT),
    Attribute("00080056", "InstanceAvailability", "CS", _STUDY),
    Attribute("00080061", "ModalitiesInStudy", "CS", _STUDY, None, Matching.CODE),
    Attribute(
        "00080090",
        "ReferringPhysicianName",
        "PN",
        _STUDY,
        "referring_physician_name",
        Matching.NAME,
    ),
    Attribute(
        "00081030",
        "StudyDescription",
        "LO",
        _STUDY,
        "description",
        Matching.TEXT,
        Presence.ON_REQUEST,
    ),
    Attribute("00081190", "RetrieveURL", "UR", _STUDY),
    Attribute("00100010", "PatientName", "PN", _STUDY, "patient_name", Matching.NAME),
    Attribute("00100020", "PatientID", "LO", _STUDY, "patient_id", Matching.TEXT),
    Attribute(
        "00100021",
        "IssuerOfPatientID",
        "LO",
        _STUDY,
        "patient_id_issuer",
        Matching.TEXT,
        Presence.ON_REQUEST,
    ),
    Attribute("00100030", "PatientBirthDate", "DA", _STUDY, "patient_birth_date", Matching.DATE),
    Attribute("00100040", "PatientSex", "CS", _STUDY, "patient_sex", Matching.CODE),
    Attribute("0020000D", "StudyInstanceUID", "UI", _STUDY, "study_uid", Matching.UID),
    Attribute("00200010", "StudyID", "SH", _STUDY, "study_id", Matching.TEXT),
    Attribute("00201206", "NumberOfStudyRelatedSeries", "IS", _STUDY),
    Attribute("00201208", "NumberOfStudyRelatedInstances", "IS", _STUDY),
    Attribute("00080060", "Modality", "CS", _SERIES, "modality", Matching.CODE),
    Attribute(
        "0008103E",
        "SeriesDescription",
        "LO",
        _SERIES,
        "series_description",
        Matching.TEXT,
        Presence.IF_KNOWN,
    ),
    Attribute(
        "00180015",
        "BodyPartExamined",
        "CS",
        _SERIES,
        "body_part",
        Matching.CODE,
        Presence.ON_REQUEST,
    ),
    Attribute("0020000E", "SeriesInstanceUID", "UI", _SERIES, "series_uid", Matching.UID),
    Attribute("00200011", "SeriesNumber", "IS", _SERIES, "series_number", Matching.NUMBER),
    Attribute("00201209", "NumberOfSeriesRelatedInstances", "IS", _SERIES),
    Attribute("00080016", "SOPClassUID", "UI", _INSTANCE, "sop_class_uid", Matching.UID),
    Attribute("00080018", "SOPInstanceUID", "UI", _INSTANCE, "sop_instance_uid", Matching.UID),
    Attribute(
        "00083002",
        "AvailableTransferSyntaxUID",
        "UI",
        _INSTANCE,
        "transfer_syntax_uid",
        Matching.UID,
    ),
    Attribute("00200013", "InstanceNumber", "IS", _INSTANCE, "instance_number", Matching.NUMBER),
    Attribute("00280008", "NumberOfFrames", "IS", _INSTANCE, "frames"),
    Attribute("00280010", "Rows", "US", _INSTANCE, "rows"),
    Attribute("00280011", "Columns", "US", _INSTANCE, "columns"),
)
BY_TAG = {attribute.tag: attribute for attribute in ATTRIBUTES}
REPEATED_TAGS = frozenset({"00080056", "00081190"})
"""Attributes that answers have at each level: whether and where the object can be retrieved."""
