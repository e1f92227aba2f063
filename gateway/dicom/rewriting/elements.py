"""The elements of a data set as editors see them, and the bytes of new ones."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from gateway.dicom.representations import SHORT_LENGTHS
from gateway.dicom.rewriting.values import UTF_8, encode_values
from gateway.media.errors import MediaError

_MAX_SHORT = 0xFFFE
_ITEM = 0xFFFEE000

Elements = Mapping[int, "NewElement"]


class NewElement(NamedTuple):
    """An element that an editor puts into a data set; without values and items, it is empty.

    Attributes:
        values: texts as DICOM has them.
        items: those of a sequence.
    """

    vr: str
    values: Sequence[str] = ()
    items: Sequence["Elements"] = ()


class Treatment(Enum):
    """A treatment of an element that gets no new value."""

    COPY = auto()
    """Byte for byte; sequences item by item."""
    REMOVE = auto()


@dataclass(slots=True)
class Encoding:
    """The encoding of a data set, or of an item.

    Attributes:
        character_sets: those of its texts; more than one if they change within a text.
        becomes_utf_8: whether its texts are written in UTF-8 from now on.
        creators: who reserved blocks of private tags, by group and block.
        is_signed: whether pixels are signed numbers.
    """

    is_implicit: bool
    is_little_endian: bool
    character_sets: tuple[str, ...] = ()
    creators: dict[int, str] = field(default_factory=dict)
    is_signed: bool = False
    becomes_utf_8: bool = False

    @property
    def new_character_sets(self) -> tuple[str, ...]:
        """Those of the new texts."""
        return (UTF_8,) if self.becomes_utf_8 else self.character_sets

    @property
    def order(self) -> str:
        """The order of bytes as `struct` names it."""
        return "<" if self.is_little_endian else ">"

    def of_item(self) -> "Encoding":
        """Return the encoding at the start of an item, which has its own private blocks."""
        return Encoding(
            self.is_implicit,
            self.is_little_endian,
            self.character_sets,
            is_signed=self.is_signed,
            becomes_utf_8=self.becomes_utf_8,
        )

    def creator_of(self, tag: int) -> str:
        """Return who reserved the block of a private tag; empty for others and if nobody did."""
        return self.creators.get(tag >> 16 << 8 | tag >> 8 & 0xFF, "") if tag >> 16 & 1 else ""


@dataclass(slots=True)
class Element:
    """An element of the file that is rewritten.

    Attributes:
        vr: as the file states it, or as the dictionaries have it.
        depth: 0 outside of sequences.
        length: bytes of the value; None if undefined.
        read: returns the value. Those of more than 1 MiB are refused by a `MediaError`.
    """

    tag: int
    vr: str
    depth: int
    length: int | None
    encoding: Encoding
    read: Callable[[], bytes]

    @property
    def creator(self) -> str:
        """The one who reserved the block of a private tag; empty if nobody did."""
        return self.encoding.creator_of(self.tag)


class Editor(Protocol):
    """Decides how the elements of a data set are rewritten."""

    def change(self, element: Element) -> NewElement | Treatment:
        """Return what becomes of an element; sequences are asked for before their items.

        Raises:
            MediaError: the file cannot be rewritten.
        """

    def additions(self) -> Elements:
        """Return the elements that the data set gets if it lacks them, outside of sequences."""


def encode_element(tag: int, element: NewElement, encoding: Encoding) -> bytes:
    """Return the bytes of an element, with its header.

    Raises:
        MediaError: a value does not fit its representation.
        UnfitText: a text does not fit the character sets.
    """
    order, vr = encoding.order, element.vr
    if vr == "SQ":
        value = b""
        for item in element.items:
            inner = b"".join(encode_element(*part, encoding) for part in sorted(item.items()))
            value += struct.pack(f"{order}HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(inner)) + inner
    else:
        value = encode_values(vr, element.values, order, encoding.new_character_sets)
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if encoding.is_implicit:
        return head + struct.pack(f"{order}I", len(value)) + value
    if vr not in SHORT_LENGTHS:
        return head + vr.encode() + struct.pack(f"{order}HI", 0, len(value)) + value
    if len(value) > _MAX_SHORT:
        raise MediaError(f"the new value of {tag:08X} is longer than {_MAX_SHORT:,} bytes")
    return head + vr.encode() + struct.pack(f"{order}H", len(value)) + value
