"""Anonymizes DICOM files."""

from typing import BinaryIO

from gateway.dicom.anonymization import (
    IDENTITY_REMOVED,
    METHOD,
    METHOD_CODES,
    PATIENT_ID,
    TIMES_MODIFIED,
    AnonymizationOptions,
    AnonymizationRules,
    Longitudinal,
    TagAction,
    may_have_burned_in,
)
from gateway.dicom.documents import Document
from gateway.dicom.profile import EDITION, ProfileOption
from gateway.dicom.pseudonyms import Pseudonyms, shift_date
from gateway.dicom.representations import known_vr
from gateway.dicom.rewriting.copies import change_uids
from gateway.dicom.rewriting.dummies import dummy_element
from gateway.dicom.rewriting.elements import Element, Elements, NewElement, Treatment
from gateway.dicom.rewriting.files import rewrite
from gateway.media.dicom_source import open_source
from gateway.media.dicom_values import decode_ascii, decoder_of
from gateway.media.errors import MediaError

_TIMES = {None: "REMOVED", Longitudinal.FULL: "UNMODIFIED", Longitudinal.MODIFIED: "MODIFIED"}
_BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
_CODES = {
    ProfileOption.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    ProfileOption.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    ProfileOption.RETAIN_DEVICE: ("113109", "Retain Device Identity Option"),
    ProfileOption.RETAIN_INSTITUTION: ("113112", "Retain Institution Identity Option"),
    ProfileOption.RETAIN_PATIENT_CHARACTERISTICS: (
        "113108",
        "Retain Patient Characteristics Option",
    ),
    ProfileOption.RETAIN_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    ProfileOption.RETAIN_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
}
"""Codes of methods of de-identification (PS3.16, CID 7050)."""


class BurnedInText(MediaError):
    """Raised for an object whose pixels may show text."""

    def __init__(self) -> None:
        super().__init__("its pixels may show text that identifies the patient")


def anonymize(
    source: BinaryIO,
    size: int,
    target: BinaryIO,
    options: AnonymizationOptions,
    pseudonyms: Pseudonyms,
) -> None:
    """Write a DICOM file without what identifies its patient; pixels stay as they are.

    Args:
        size: the bytes of the file.

    Raises:
        BurnedInText: the pixels may show text, and the options do not allow that.
        MediaError: the file is broken, or cannot be rewritten. What was written must not be used.
    """
    opened = open_source(source, size)
    document = opened.reader().read(opened.start)
    if may_have_burned_in(document) and not options.allow_burned_in:
        raise BurnedInText
    editor = AnonymizingEditor(options, pseudonyms, patient_of(document))
    rewrite(source, size, target, editor, clears_preamble=True)


def patient_of(document: Document) -> str:
    """Return by what dates are shifted alike: the PatientID, or else the study."""
    for key in (f"{PATIENT_ID:08X}", "0020000D"):
        values = document.get(key, {}).get("Value") or [None]
        if values[0]:
            return str(values[0])
    return ""


class AnonymizingEditor:
    """Anonymizes the elements of a file.

    Args:
        patient: dates are shifted alike for the same.
    """

    def __init__(self, options: AnonymizationOptions, pseudonyms: Pseudonyms, patient: str) -> None:
        self._options = options
        self._rules = AnonymizationRules(options)
        self._pseudonyms = pseudonyms
        self._days = pseudonyms.days(patient)
        self._statements = statements(options)

    def change(self, element: Element) -> NewElement | Treatment:
        """Return what becomes of an element."""
        tag = element.tag
        creator = element.creator
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            creator = decode_ascii(element.read()).strip(" \0")
        action = self._rules.action_of(tag, element.vr, element.depth, creator)
        if action is TagAction.SHIFT_DATE:
            shifted = self._shifted(element)
            if shifted is not None:
                return shifted
            action = self._rules.basic_action(tag, element.vr)
        if action is TagAction.KEEP:
            return Treatment.COPY
        if action is TagAction.REMOVE:
            return Treatment.REMOVE
        if action is TagAction.NEW_UID:
            element.vr = "UI"
            return change_uids(element, self._pseudonyms.uid)
        if element.length == 0 and action in (TagAction.EMPTY, TagAction.DUMMY):
            return Treatment.COPY  # it says nothing, and need not
        vr = element.vr if element.vr != "UN" else known_vr(tag, "", is_signed=False)
        if action is TagAction.PSEUDONYM:
            decode = decoder_of(element.encoding.character_sets)
            patient_id = decode(element.read()).strip(" \0")
            return NewElement(
                "LO", (self._pseudonyms.patient_id(patient_id),) if patient_id else ()
            )
        if action is TagAction.REPLACE:
            return self.additions()[tag]
        return dummy_element(tag, vr) if action is TagAction.DUMMY else NewElement(vr)

    def additions(self) -> Elements:
        """Return the values that were given, and those that say how the file was anonymized."""
        return self._statements

    def _shifted(self, element: Element) -> NewElement | None:
        """Return an element with its dates shifted; None if one of them is not valid."""
        texts = decode_ascii(element.read()).split("\\")
        stripped = [text.strip(" \0") for text in texts]
        shifted = [shift_date(text, self._days) if text else "" for text in stripped]
        if None in shifted:
            return None
        return NewElement(element.vr, [date for date in shifted if date is not None])


def statements(options: AnonymizationOptions) -> Elements:
    """Return the elements that options give, and those that say how an object was anonymized."""
    given = {
        tag: NewElement(known_vr(tag, "", is_signed=False), values)
        for tag, values in options.replace.items()
    }
    methods = [f"DICOM PS3.15 {EDITION} Table E.1-1 Basic Profile", *options.profile_options]
    if options.keep or options.replace:
        methods.append("With exceptions by tag")
    codes: list[Elements] = [
        {
            0x00080100: NewElement("SH", (value,)),
            0x00080102: NewElement("SH", ("DCM",)),
            0x00080104: NewElement("LO", (meaning,)),
        }
        for value, meaning in (_BASIC_CODE, *(_CODES[option] for option in options.profile_options))
    ]
    return {
        **given,
        IDENTITY_REMOVED: NewElement("CS", ("YES",)),
        METHOD: NewElement("LO", methods),
        METHOD_CODES: NewElement("SQ", items=codes),
        TIMES_MODIFIED: NewElement("CS", (_TIMES[options.retain_longitudinal],)),
    }
