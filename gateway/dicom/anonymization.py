"""Rules by which DICOM objects are anonymized.

They are those of the Basic Profile of PS3.15, with options, and with exceptions for single tags. Of
several actions that the profile allows, such as X/Z/D, the last is taken, which leaves all objects
valid. Where an option demands that a free text is cleaned, the text goes, as no program can do it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any, NamedTuple

from pydicom.datadict import dictionary_has_tag, keyword_for_tag

from gateway.dicom.profile import UNLISTED_ACTIONS, ProfileAction, ProfileOption, rule_of
from gateway.dicom.representations import known_vr
from gateway.dicom.tag_values import BadTagValue, check_values

PATIENT_ID = 0x00100020
IDENTITY_REMOVED, METHOD, METHOD_CODES = 0x00120062, 0x00120063, 0x00120064
TIMES_MODIFIED = 0x00280303
STATEMENTS = frozenset({IDENTITY_REMOVED, METHOD, METHOD_CODES, TIMES_MODIFIED})
"""Tags that say how an object was anonymized; they are set."""

_KEYS = frozenset({0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E})
_FIXED_GROUPS = frozenset({0x0000, 0x0002, 0x0028, 0x7FE0})
"""Groups of the file format and of pixels."""
_META_GROUP, _OVERLAYS = 0x0002, 0x60
_META = frozenset({0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
"""File meta information that stays: what readers need, and the software that wrote the file."""
_CLASSES = re.compile("SOPClass|TransferSyntax|CodingScheme|Context|MappingResource|Implementation")
"""Keywords of UIDs that stand for kinds of things."""
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture Image Storage, and the root of its multi-frame classes."""
_DRAWING_MODALITIES = frozenset({"US", "OT", "XC", "ES"})


class Longitudinal(StrEnum):
    """Treatment of dates and times."""

    FULL = auto()
    """They stay."""
    MODIFIED = auto()
    """All dates of a patient are shifted by a number of days; times of day stay."""


class TagAction(StrEnum):
    """An action on an element; sequences that are kept are anonymized item by item."""

    KEEP = auto()
    REMOVE = auto()
    EMPTY = auto()
    DUMMY = auto()
    """It gets a value that says nothing."""
    NEW_UID = auto()
    PSEUDONYM = auto()
    SHIFT_DATE = auto()
    REPLACE = auto()
    """It gets a value that was given, or that says how the object was anonymized."""


class SafePrivate(NamedTuple):
    """A private element that is known to identify nobody.

    Attributes:
        creator: the text in the element that reserves the block, such as SIEMENS MR HEADER.
        element: the number within the block, from 0 to 255.
    """

    group: int
    creator: str
    element: int


class BadOption(ValueError):
    """Raised for an option that cannot be followed.

    Attributes:
        name: the field of the options.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class AnonymizationOptions:
    """Options of the profile, and exceptions by tag.

    Of exceptions for one tag, `remove` goes before `replace`, and that before `keep`. All hold at
    every depth. Tags in `replace` that the object lacks are added.

    Raises:
        BadOption: a tag cannot be treated so, or a value is not of its representation.
    """

    retain_uids: bool = False
    retain_device: bool = False
    retain_institution: bool = False
    retain_patient_characteristics: bool = False
    retain_longitudinal: Longitudinal | None = None
    retain_safe_private: Collection[SafePrivate] = ()
    replace: Mapping[int, Sequence[str]] = field(default_factory=dict)
    keep: Collection[int] = ()
    remove: Collection[int] = ()
    allow_burned_in: bool = False

    def __post_init__(self) -> None:
        for name, tags in (("replace", self.replace), ("remove", self.remove)):
            for tag in tags:
                if tag in _KEYS or tag in STATEMENTS or tag >> 16 in _FIXED_GROUPS:
                    raise BadOption(name, f"{tag:08X} cannot be changed")
        for name, tags in (("replace", self.replace), ("keep", self.keep)):
            for tag in tags:
                if tag >> 16 & 1:
                    raise BadOption(name, f"{tag:08X} is private: see retainSafePrivate")
                if tag in STATEMENTS or tag >> 16 == _META_GROUP:
                    raise BadOption(name, f"{tag:08X} is set by the program")
        for tag, values in self.replace.items():
            try:
                check_values(known_vr(tag, "", is_signed=False), values)
            except BadTagValue as error:
                raise BadOption("replace", f"{tag:08X}: {error}") from None

    @property
    def profile_options(self) -> list[ProfileOption]:
        """The options of the profile that are chosen."""
        chosen = {
            ProfileOption.RETAIN_SAFE_PRIVATE: bool(self.retain_safe_private),
            ProfileOption.RETAIN_UIDS: self.retain_uids,
            ProfileOption.RETAIN_DEVICE: self.retain_device,
            ProfileOption.RETAIN_INSTITUTION: self.retain_institution,
            ProfileOption.RETAIN_PATIENT_CHARACTERISTICS: self.retain_patient_characteristics,
            ProfileOption.RETAIN_FULL_DATES: self.retain_longitudinal is Longitudinal.FULL,
            ProfileOption.RETAIN_MODIFIED_DATES: self.retain_longitudinal is Longitudinal.MODIFIED,
        }
        return [option for option, is_chosen in chosen.items() if is_chosen]


class AnonymizationRules:
    """Decides what happens to each element."""

    def __init__(self, options: AnonymizationOptions) -> None:
        self._options = options
        self._profile_options = frozenset(options.profile_options)
        self._keep, self._remove = frozenset(options.keep), frozenset(options.remove)
        self._safe = frozenset(options.retain_safe_private)
        self._safe_creators = {(safe.group, safe.creator) for safe in self._safe}

    def action_of(self, tag: int, vr: str, depth: int, creator: str = "") -> TagAction:
        """Return what happens to an element.

        Args:
            vr: its representation, UN if that is unknown. A sequence that has another cannot be
                read, and is removed rather than kept.
            depth: 0 outside of sequences.
            creator: who reserved the block of a private tag, or reserves it in this element.
        """
        group = tag >> 16
        if tag in STATEMENTS:
            return TagAction.REMOVE if depth else TagAction.REPLACE
        if tag in self._remove:
            return TagAction.REMOVE
        if tag in self._options.replace:
            return TagAction.REPLACE
        if tag in self._keep:
            return TagAction.KEEP
        if group == _META_GROUP and tag not in _META:
            return TagAction.REMOVE
        if group & 1:
            is_creator = 0x10 <= tag & 0xFFFF <= 0xFF
            is_safe = SafePrivate(group, creator, tag & 0xFF) in self._safe
            has_safe = is_creator and (group, creator) in self._safe_creators
            return TagAction.KEEP if is_safe or has_safe else TagAction.REMOVE
        action = self._standard_action(tag, vr)
        is_unread = vr != "SQ" and known_vr(tag, "", is_signed=False) == "SQ"
        return TagAction.REMOVE if is_unread and action is TagAction.KEEP else action

    def basic_action(self, tag: int, vr: str) -> TagAction:
        """Return the action of the Basic Profile alone."""
        rule = rule_of(tag)
        codes = rule.basic if rule else ()
        if vr == "SQ" and codes[-1:] == (ProfileAction.DUMMY,):
            # An item that says nothing is rarely valid: none is better where that is allowed.
            codes = tuple(code for code in codes[:-1] if code is ProfileAction.EMPTY) or codes[:1]
        return TagAction[codes[-1].name] if codes else TagAction.KEEP

    def _standard_action(self, tag: int, vr: str) -> TagAction:
        rule = rule_of(tag)
        if rule is None:
            return self._unlisted_action(tag, vr)
        chosen = {
            option: code for option, code in rule.options.items() if option in self._profile_options
        }
        action = self.basic_action(tag, vr)
        if ProfileOption.RETAIN_MODIFIED_DATES in chosen:
            if vr in ("DA", "DT"):
                return TagAction.SHIFT_DATE
            if vr == "TM":
                return TagAction.KEEP
        elif ProfileAction.KEEP in chosen.values():
            return TagAction.REMOVE if vr == "UN" else TagAction.KEEP
        if action is TagAction.NEW_UID and vr == "SQ":
            return TagAction.KEEP
        if tag == PATIENT_ID:
            return TagAction.PSEUDONYM
        return TagAction.NEW_UID if action is TagAction.DUMMY and vr == "UI" else action

    def _unlisted_action(self, tag: int, vr: str) -> TagAction:
        """Return the action on an element that the profile does not mention.

        Overlays are removed as a whole, since the profile removes what is in them. Nothing is known
        of tags that are not in the dictionary, and of values that cannot be read; addresses hold
        the UIDs of what they lead to.
        """
        if tag in UNLISTED_ACTIONS:
            return TagAction[UNLISTED_ACTIONS[tag].name]
        if vr == "PN":
            return TagAction.EMPTY
        is_overlay = tag >> 24 == _OVERLAYS
        if is_overlay or vr in ("UN", "UR") or tag >> 16 == 0 or not is_standard(tag):
            return TagAction.REMOVE
        if vr != "UI" or self._options.retain_uids or _CLASSES.search(keyword_for_tag(tag)):
            return TagAction.KEEP
        return TagAction.NEW_UID


def is_standard(tag: int) -> bool:
    """Whether the dictionary of the standard has a tag."""
    return dictionary_has_tag(tag) or known_vr(tag, "", is_signed=False) != "UN"


class PlannedAction(NamedTuple):
    """An action on the elements of a tag.

    Attributes:
        path: the tags from the outermost sequence to the element, such as 00081140:00081155.
    """

    path: str
    action: TagAction


def plan(document: Mapping[str, Any], options: AnonymizationOptions) -> list[PlannedAction]:
    """Return what anonymization does to a document, in the order of its tags.

    The items of a sequence are taken together. Tags that are added are part of it.
    """
    rules, actions = AnonymizationRules(options), dict[str, TagAction]()
    added: dict[str, Any] = {f"{tag:08X}": {} for tag in (*STATEMENTS, *options.replace)}
    for key, element in sorted({**added, **document}.items()):
        actions.update(_planned(rules, key, element, 0, _creators(document)))
    return [PlannedAction(path, action) for path, action in sorted(actions.items())]


def may_have_burned_in(document: Mapping[str, Any]) -> bool:
    """Whether the pixels of an object may show text, such as the name of the patient.

    They may if the object says so, and in screenshots, ultrasound, angiography, endoscopy and other
    modalities that draw text unless it says that they do not.
    """
    burned_in = _first(document, "00280301")
    if burned_in in ("YES", "NO"):
        return burned_in == "YES"
    sop_class = _first(document, "00080016")
    is_capture = sop_class == _CAPTURE or sop_class.startswith(f"{_CAPTURE}.")
    return is_capture or _first(document, "00080060") in _DRAWING_MODALITIES


def _planned(
    rules: AnonymizationRules,
    path: str,
    element: Mapping[str, Any],
    depth: int,
    creators: Mapping[int, str],
) -> Iterator[tuple[str, TagAction]]:
    """Return the actions on an element, and on those in it if it is kept, by path."""
    tag = int(path[-8:], 16)
    creator = creators.get(tag >> 16 << 8 | (tag >> 8 & 0xFF or tag & 0xFF), "")
    vr = element.get("vr", "UN")
    if vr == "UN":  # of a sequence, too, which the document has as binary data
        vr = known_vr(tag, creator, is_signed=False)
    action = rules.action_of(tag, vr, depth, creator)
    yield path, action
    if action is TagAction.KEEP and vr == "SQ":
        for item in element.get("Value", ()):
            for key, inner in item.items():
                yield from _planned(rules, f"{path}:{key}", inner, depth + 1, _creators(item))


def _creators(document: Mapping[str, Any]) -> dict[int, str]:
    """Return who reserved blocks of private tags, by group and block."""
    return {
        tag >> 16 << 8 | tag & 0xFF: _first(document, key)
        for key in document
        if (tag := int(key, 16)) >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF
    }


def _first(document: Mapping[str, Any], key: str) -> str:
    """Return the first value of a tag as text, empty if there is none."""
    values = document.get(key, {}).get("Value") or [None]
    return "" if values[0] is None else str(values[0])
