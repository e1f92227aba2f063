"""The Basic Application Level Confidentiality Profile of DICOM (PS3.15, Table E.1-1).

The table is that of edition 2026d. `confidentiality_profile.tsv` holds its tags, names and action
codes; `python -m tests.dicom.profile_table` writes it, and names its sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

EDITION = "2026d"
"""The edition of the DICOM standard that the table is from."""

MORE_NAMES = frozenset({0x00140104, 0x00142006, 0x0040A067})
"""Names of persons in the dictionary that are not in the table."""


class ProfileAction(StrEnum):
    """An action code of Table E.1-1a. Sequences that are kept or cleaned are so item by item."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    """A value that is not empty and says nothing."""
    KEEP = "K"
    CLEAN = "C"
    """A value of similar meaning that identifies nobody."""
    NEW_UID = "U"


UNLISTED_ACTIONS: Mapping[int, ProfileAction] = MappingProxyType(
    {
        **dict.fromkeys(MORE_NAMES, ProfileAction.EMPTY),
        0x00420010: ProfileAction.EMPTY,  # DocumentTitle, which documents must have
        **dict.fromkeys(
            (
                0x00080408,  # FolderAccessURI
                0x00080409,  # FileAccessURI
                0x00081190,  # RetrieveURL
                0x00100033,  # PatientBirthDateInAlternativeCalendar
                0x00100034,  # PatientDeathDateInAlternativeCalendar
                0x00100035,  # PatientAlternativeCalendar
                0x00101022,  # PatientBodyMassIndex
                0x00400400,  # CommentsOnTheScheduledProcedureStep
                0x00402006,  # PlacerOrderNumberImagingServiceRequestRetired
                0x00402007,  # FillerOrderNumberImagingServiceRequestRetired
                0x0040E010,  # RetrieveURI
                0x0074100A,  # ContactURI
                0x0074100C,  # ContactDisplayName
            ),
            ProfileAction.REMOVE,
        ),
    }
)
"""Actions on tags that identify persons, or lead to their files, and that the table lacks."""


class ProfileOption(StrEnum):
    """An option of the profile, by its column of the table."""

    RETAIN_SAFE_PRIVATE = "Rtn. Safe Priv."
    RETAIN_UIDS = "Rtn. UIDs"
    RETAIN_DEVICE = "Rtn. Dev. Id."
    RETAIN_INSTITUTION = "Rtn. Inst. Id."
    RETAIN_PATIENT_CHARACTERISTICS = "Rtn. Pat. Chars."
    RETAIN_FULL_DATES = "Rtn. Long. Full Dates"
    RETAIN_MODIFIED_DATES = "Rtn. Long. Modif. Dates"
    CLEAN_DESCRIPTORS = "Clean Desc."
    CLEAN_STRUCTURED_CONTENT = "Clean Struct. Cont."
    CLEAN_GRAPHICS = "Clean Graph."


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """A row of the table.

    Attributes:
        basic: the actions of the Basic Profile; of several, such as X/Z/D, the first that leaves
            the object valid.
        options: the actions that options have instead.
    """

    name: str
    basic: tuple[ProfileAction, ...]
    options: Mapping[ProfileOption, ProfileAction]


def rule_of(tag: int) -> ProfileRule | None:
    """Return the row for a tag, None if the profile lets it be.

    Private tags, curves (50xx,xxxx) and the overlays in 60xx each have a row in common.
    """
    rows = _table()
    if tag >> 16 & 1:
        return rows["PRIVATE"]
    key = f"{tag:08X}"
    if key.startswith("50"):
        return rows["50xxxxxx"]
    if key.startswith("60"):
        return rows.get(f"60xx{key[4:]}")
    return rows.get(key)


def is_identifying(tag: int) -> bool:
    """Whether the Basic Profile removes, empties or replaces a tag; UIDs it replaces are excepted.

    So are tags that the table lacks although they say as much as others in it, and, of the file
    meta information, all that names applications and addresses, or is private.
    """
    if tag >> 16 == _META_GROUP:
        return tag & 0xFFFF >= _FIRST_META_ADDRESS
    if tag in UNLISTED_ACTIONS:
        return True
    rule = rule_of(tag)
    return rule is not None and ProfileAction.NEW_UID not in rule.basic


_META_GROUP, _FIRST_META_ADDRESS = 0x0002, 0x0016
_NONE = "-"


@cache
def _table() -> dict[str, ProfileRule]:
    text = files(__package__).joinpath("confidentiality_profile.tsv").read_text(encoding="utf-8")
    _, *lines = text.splitlines()
    rows = {}
    for line in lines:
        tag, name, basic, *columns = line.split("\t")
        rows[tag] = ProfileRule(
            name,
            tuple(ProfileAction(code) for code in basic.split("/")),
            {
                option: ProfileAction(code)
                for option, code in zip(ProfileOption, columns, strict=True)
                if code != _NONE
            },
        )
    return rows
