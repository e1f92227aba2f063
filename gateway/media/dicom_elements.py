"""Reads the elements of DICOM data sets as documents in the JSON model of DICOM (PS3.18, F.2).

pydicom reads the same elements, but builds objects of each that take several times longer than the
rest. Here, an element that is broken is lost alone, wherever that is possible.
"""

import struct
from typing import BinaryIO

from gateway.dicom.documents import Document
from gateway.dicom.representations import SHORT_LENGTHS
from gateway.media.dicom_scope import ElementScope
from gateway.media.dicom_values import (
    BINARY,
    MAX_INLINE,
    UNDECODABLE,
    BadValue,
    binary_value,
    count_values,
    decode_ascii,
    decoder_of,
    values_of,
)
from gateway.media.errors import MediaError

MAX_SIZE = 16 << 20
"""Bytes of a document, about; what makes one larger is left out."""
MAX_DEPTH = 100
MAX_ELEMENTS = 1_000_000
MAX_SKIPPED = 10_000_000
"""Further elements in the items of frames that are left out, which cost nothing but time."""
MAX_OMITTED = 1_000
"""Tags that are listed of elements that are left out."""
CHARACTER_SETS, PIXEL_REPRESENTATION = 0x00080005, 0x00280103
ENCAPSULATED_DOCUMENT = 0x00420011

_UNDEFINED = 0xFFFFFFFF
_META_GROUP = 0x0002
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_FRAMES = 0x52009230
"""The sequence with an item for each frame."""
_PIXEL_GROUP = 0x7FE0
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ELEMENT_SIZE = 40
"""Bytes of an element in a document besides its value, about."""
_ITEM_SIZE = 8
_VALUE_SIZE = 12
"""Bytes of each of many values besides those that it has in the file, about."""
_WINDOW = 64 << 10


class _Broken(Exception):
    """Raised where the lengths of elements do not fit into what holds them."""


class _TooLarge(Exception):
    """Raised in an element that makes the document too large."""


class ElementReader:
    """Reads one file.

    Attributes:
        errors: the number of elements, and of texts, that could not be read in full.
        omitted: the tags of elements that would have made the document too large.
        character_sets: those that the file states.
        malformed: the values of the first level that are bad, by their tags, or their beginnings.
        places: the starts and lengths of values with pixels, with the offsets of frames, and with
            an encapsulated document.
    """

    def __init__(
        self, data: BinaryIO, size: int, *, is_implicit: bool, is_little_endian: bool
    ) -> None:
        self._data = data
        self._size = size
        self._is_implicit = is_implicit
        self._is_little_endian = is_little_endian
        order = "<" if is_little_endian else ">"
        self._tag = struct.Struct(f"{order}HH").unpack_from
        self._short = struct.Struct(f"{order}H").unpack_from
        self._long = struct.Struct(f"{order}I").unpack_from
        self._buffer, self._base = b"", 0
        self._elements = 0
        self._length = 0
        self._keeps = True
        self.errors = 0
        self.omitted: list[str] = []
        self.character_sets: list[str] = []
        self.malformed: dict[str, bytes] = {}
        self.places: dict[int, tuple[int, int]] = {}

    def read(self, start: int) -> Document:
        """Return the document of the data set from a position to the end of the file.

        Raises:
            MediaError: the file ends within an element, or has too many of them.
        """
        try:
            document, _ = self._read_set(
                start, self._size, ElementScope(decode_ascii, False, is_top=True), 0
            )
        except _Broken:
            raise MediaError(
                "the DICOM file is truncated, or an element claims a wrong length"
            ) from None
        return document

    def read_meta(self, start: int) -> tuple[Document, int]:
        """Return the file meta information, which is group 2, and where it ends.

        Raises:
            MediaError: the file ends within it.
        """
        document: Document = {}
        scope, position = ElementScope(decode_ascii, False), start
        try:
            while position < self._size:
                tag, vr, value, length = self._header(position, scope)
                if tag >> 16 != _META_GROUP:
                    break
                self._read_value(document, tag, vr, value, length, scope)
                position = value + length
        except (_Broken, _TooLarge):
            raise MediaError("the DICOM file is truncated") from None
        return document, position

    def _at(self, position: int, length: int) -> int:
        """Return where in the buffer a position is; that many bytes from it are there."""
        offset = position - self._base
        if offset < 0 or offset + length > len(self._buffer):
            self._data.seek(position)
            self._buffer, self._base, offset = self._data.read(max(length, _WINDOW)), position, 0
            if len(self._buffer) < length:
                raise _Broken
        return offset

    def _read_set(
        self, position: int, end: int, scope: ElementScope, depth: int
    ) -> tuple[Document, int]:
        """Return a data set, or an item, and where it ends: at an end mark, or at `end`."""
        document: Document = {}
        while position < end:
            tag, vr, start, length = self._header(position, scope)
            if tag == _ITEM_END:
                return document, start
            if depth == 0 and (tag >> 16 == _PIXEL_GROUP or tag == ENCAPSULATED_DOCUMENT):
                self.places[tag] = start, length
            if tag in _PIXELS and length == _UNDEFINED:
                document[f"{tag:08X}"] = _bulk("OB", tag)
                if depth == 0:
                    return document, end
                position = self.skip_fragments(start, end)
                continue
            self._count_element()
            if vr == "SQ" or length == _UNDEFINED:
                position = self._read_sequence(document, tag, vr, start, length, end, scope, depth)
                continue
            position = start + length
            if position > end and not (depth == 0 and tag in _PIXELS):
                raise _Broken
            if tag & 0xFFFF and self._keeps:
                try:
                    self._read_value(document, tag, vr, start, length, scope)
                except _TooLarge:
                    if depth:
                        raise
                    self._leave_out(tag)
        return document, position

    def _header(self, position: int, scope: ElementScope) -> tuple[int, str, int, int]:
        """Return an element's tag and representation, and the start and length of its value."""
        offset = self._at(position, 8)
        group, element = self._tag(self._buffer, offset)
        tag = group << 16 | element
        if not self._is_implicit and group != 0xFFFE:
            code = self._buffer[offset + 4 : offset + 6]
            if code.isalpha() and code.isupper():
                vr = code.decode("ascii")
                if vr in SHORT_LENGTHS:
                    return tag, vr, position + 8, self._short(self._buffer, offset + 6)[0]
                offset = self._at(position, 12)
                length = self._long(self._buffer, offset + 8)[0]
                if vr == "UN" and length != _UNDEFINED and scope.representation_of(tag) != "SQ":
                    vr = scope.representation_of(tag)
                return tag, vr, position + 12, length
        return (
            tag,
            scope.representation_of(tag),
            position + 8,
            self._long(self._buffer, offset + 4)[0],
        )

    def _read_value(
        self, document: Document, tag: int, vr: str, start: int, length: int, scope: ElementScope
    ) -> None:
        """Add an element that is no sequence."""
        key = f"{tag:08X}"
        is_bulk = vr in BINARY and length > MAX_INLINE
        self._grow(_ELEMENT_SIZE if is_bulk else _ELEMENT_SIZE + length)
        if is_bulk:
            document[key] = _bulk(vr, tag)
            return
        offset = self._at(start, length)
        data = self._buffer[offset : offset + length]
        if length > MAX_INLINE:
            self._grow(count_values(vr, data) * _VALUE_SIZE)
        if vr in BINARY:
            inline = binary_value(vr, data, self._is_little_endian)
            document[key] = {"vr": vr, "InlineBinary": inline} if data else {"vr": vr}
            return
        try:
            values = values_of(vr, data, self._is_little_endian, scope.decode)
        except BadValue:
            self.errors += 1
            if scope.is_top:
                self.malformed[key] = data[:MAX_INLINE]
            return
        if not data.isascii() and any(UNDECODABLE in str(value) for value in values):
            self.errors += 1
        document[key] = {"vr": vr, "Value": values} if values else {"vr": vr}
        if tag == CHARACTER_SETS:
            names = [value or "" for value in values]
            scope.decode = decoder_of(names)
            self.character_sets = self.character_sets or names
            document[key] = {"vr": "CS", "Value": ["ISO_IR 192"]}
        elif tag == PIXEL_REPRESENTATION and values:
            scope.is_signed = values[0] == 1
        elif tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF and values and values[0]:
            scope.creators[tag >> 16 << 8 | tag & 0xFF] = values[0]

    def skip_fragments(self, position: int, end: int) -> int:
        """Return where the fragments of compressed pixels, such as those of an icon, end."""
        while position < end:
            offset = self._at(position, 8)
            group, element = self._tag(self._buffer, offset)
            position += 8
            if group << 16 | element != _ITEM:
                return position
            position += self._long(self._buffer, offset + 4)[0]
        raise _Broken

    def _read_sequence(
        self,
        document: Document,
        tag: int,
        vr: str,
        start: int,
        length: int,
        limit: int,
        scope: ElementScope,
        depth: int,
    ) -> int:
        """Add a sequence, unless it is too large; return where it ends."""
        if depth >= MAX_DEPTH:
            raise MediaError(
                f"the DICOM file has sequences nested more than {MAX_DEPTH} levels deep"
            )
        key, before, counted = f"{tag:08X}", self._length, self._elements
        was_implicit = self._is_implicit
        if vr == "UN":  # of unknown length: encoded like this whatever the transfer syntax
            self._is_implicit = True
        items: list[Document] = []
        try:
            if self._keeps:
                self._grow(_ELEMENT_SIZE)
            end = self._read_items(items, start, length, limit, scope, depth)
            if self._keeps:
                document[key] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
            return end
        except _TooLarge:
            if depth:
                raise
            self._leave_out(tag)
            self._length, self._keeps = before, False
            if tag == _FRAMES:
                self._elements = counted - MAX_SKIPPED
            end = self._read_items([], start, length, limit, scope, depth)
            self._keeps = True
            if tag == _FRAMES:
                self._elements = counted
            return end
        finally:
            self._is_implicit = was_implicit

    def _count_element(self) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise MediaError(f"the DICOM file has more than {MAX_ELEMENTS:,} elements")

    def _grow(self, size: int) -> None:
        """Count bytes that are added to the document.

        Raises:
            _TooLarge: there is no room for them.
        """
        if self._length + size > MAX_SIZE:
            raise _TooLarge
        self._length += size

    def _leave_out(self, tag: int) -> None:
        if len(self.omitted) < MAX_OMITTED:
            self.omitted.append(f"{tag:08X}")

    def _read_items(
        self,
        items: list[Document],
        start: int,
        length: int,
        limit: int,
        scope: ElementScope,
        depth: int,
    ) -> int:
        """Read the items of a sequence; return where it ends."""
        is_bounded = length != _UNDEFINED
        end = start + length if is_bounded else limit
        if end > limit:
            raise _Broken
        position = start
        try:
            while position < end:
                offset = self._at(position, 8)
                group, element = self._tag(self._buffer, offset)
                size = self._long(self._buffer, offset + 4)[0]
                tag, position = group << 16 | element, position + 8
                if tag == _SEQUENCE_END:
                    return position
                if tag != _ITEM:
                    raise _Broken
                position = self._read_item(items, position, size, end, scope, depth)
        except _Broken:
            if not is_bounded:
                raise
            self.errors += 1
        if not is_bounded:
            raise _Broken
        return end

    def _read_item(
        self,
        items: list[Document],
        start: int,
        length: int,
        limit: int,
        scope: ElementScope,
        depth: int,
    ) -> int:
        """Read an item; return where it ends. If it is broken, its length says where that is."""
        is_bounded = length != _UNDEFINED
        end = start + length if is_bounded else limit
        if end > limit:
            raise _Broken
        self._count_element()
        if self._keeps:
            self._grow(_ITEM_SIZE)
        inner = ElementScope(scope.decode, scope.is_signed)
        try:
            item, position = self._read_set(start, end, inner, depth + 1)
        except _Broken:
            if not is_bounded:
                raise
            self.errors += 1
            return end
        if self._keeps:
            items.append(item)
        return end if is_bounded else position


def _bulk(vr: str, tag: int) -> dict[str, str]:
    """Return an element whose value stays in the file; its URI is relative to the instance."""
    return {"vr": vr, "BulkDataURI": f"{tag:08X}"}
