"""The data dictionary of DICOM (PS3.6), and the forms in which people write tags."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pydicom.datadict import (
    dictionary_description,
    dictionary_is_retired,
    dictionary_keyword,
    dictionary_VR,
    repeater_has_keyword,
    tag_for_keyword,
)

_TAG = re.compile(r"(?:0x)?([0-9A-Fa-f]{8})|([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})")
_GROUP = re.compile(r"0x[0-9A-Fa-f]{1,4}|0|[1-9][0-9]{0,4}")
_MAX_GROUP = 0xFFFF


class MalformedTag(ValueError):
    """Raised for a value that is no tag, keyword or group; the message is for the client."""


class DictionaryEntry(NamedTuple):
    """The standard's entry of an element."""

    keyword: str
    name: str
    vr: str
    is_retired: bool


@lru_cache(maxsize=20_000)
def entry_of(tag: str) -> DictionaryEntry | None:
    """Return the standard's entry of a tag of eight hexadecimal digits.

    Groups that repeat, such as those of overlays, have the entry of all. None for private elements
    and for those that the standard does not list.
    """
    number = int(tag, 16)
    if is_private(tag):
        return None
    try:
        return DictionaryEntry(
            dictionary_keyword(number),
            dictionary_description(number),
            dictionary_VR(number),
            dictionary_is_retired(number),
        )
    except KeyError:
        return None


def is_private(tag: str) -> bool:
    """Return whether a tag is private: its group is odd."""
    return tag[3] in "13579BDFbdf"


def creator_tag(tag: str) -> str | None:
    """Return the tag of the element that names the creator of a private element.

    None if the tag is not private, or is that of a creator itself.
    """
    return f"{tag[:4]}00{tag[4:6]}" if is_private(tag) and tag[4:6] > "0F" else None


def check_keyword(text: str) -> None:
    """Check that a text is the keyword of an element, or of repeated ones.

    Raises:
        MalformedTag: it is not.
    """
    if not text or (tag_for_keyword(text) is None and not repeater_has_keyword(text)):
        raise MalformedTag(f"DICOM has no element with the keyword {text[:64]!r}.")


def parse_tag(text: str) -> str:
    """Return the tag that a text stands for, as eight hexadecimal digits in capitals.

    It is a keyword, or a tag as `00080070`, `0008,0070` or `0x00080070`.

    Raises:
        MalformedTag: it is none of these.
    """
    if match := _TAG.fullmatch(text):
        return (match[1] or match[2] + match[3]).upper()
    number = tag_for_keyword(text) if text else None
    if number is None:
        raise MalformedTag(
            f"{text[:64]!r} is no tag: expected a keyword such as PatientID, or a tag such as "
            "00100020, 0010,0020 or 0x00100020."
        )
    return f"{number:08X}"


def parse_choice(text: str) -> str:
    """Return the tag of a top-level element, or a keyword that elements of several groups have.

    A path such as `00081111:00080550` stands for its first element, with all that is in it.

    Raises:
        MalformedTag: a part of the path is neither.
    """
    path = [part if repeater_has_keyword(part) else parse_tag(part) for part in text.split(":")]
    return path[0]


def parse_group(value: object) -> int:
    """Return a group, given as a number, or as text in decimal or, after `0x`, hexadecimal.

    Raises:
        MalformedTag: it is none. Decimal text with leading zeros could be meant as either.
    """
    group = -1
    if isinstance(value, str) and _GROUP.fullmatch(value):
        group = int(value, 0)
    elif isinstance(value, int) and not isinstance(value, bool):
        group = value
    if not 0 <= group <= _MAX_GROUP:
        raise MalformedTag(
            f"{str(value)[:64]!r} is no group: expected a number from 0 to 65,535, or text such "
            'as "16" or "0x0010".'
        )
    return group


class TagChoice:
    """Top-level elements that were chosen, each as `parse_choice` returns it."""

    def __init__(self, chosen: Iterable[str]) -> None:
        self._tags = frozenset(chosen)
        self._keywords = {name for name in self._tags if repeater_has_keyword(name)}

    def among(self, tags: Iterable[str]) -> list[str]:
        """Return those of the tags whose elements were chosen."""
        if not self._keywords:
            return [tag for tag in tags if tag in self._tags]
        return [tag for tag in tags if tag in self._tags or self._is_repeated(tag)]

    def _is_repeated(self, tag: str) -> bool:
        entry = entry_of(tag)
        return entry is not None and entry.keyword in self._keywords
