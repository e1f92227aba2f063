"""Elements that describe a patient or study, or a series: they are equal in all its instances.

`module_attributes.tsv` lists the attributes of modules of PS3.3: for patients and studies those of
Patient, Clinical Trial Subject, General Study, Patient Study and Clinical Trial Study, for series
those of General Series, Clinical Trial Series, General Equipment, Enhanced General Equipment and
Frame of Reference. All elements of group 0010 describe the patient.
"""

from functools import cache
from importlib.resources import files

from gateway.dicom.dictionary import entry_of
from gateway.dicom.profile import is_identifying

_PATIENT_GROUP = "0010"


def is_of_study(tag: str) -> bool:
    """Return whether an element describes the patient or the study."""
    is_of_patient = tag.startswith(_PATIENT_GROUP) and entry_of(tag) is not None
    return is_of_patient or tag in _tags_of("study")


def is_of_series(tag: str) -> bool:
    """Return whether an element describes the series, its equipment or its frame of reference."""
    return tag in _tags_of("series")


def is_identity(tag: str) -> bool:
    """Return whether an element describes patient or study in a way that identifies a person."""
    return is_of_study(tag) and is_identifying(int(tag, 16))


@cache
def _tags_of(level: str) -> frozenset[str]:
    text = files(__package__).joinpath("module_attributes.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()]
    return frozenset(tag for tag, _keyword, named in rows if named == level)
