"""Walks through the elements of a data set and collects how its bytes change.

Unlike the reader of tags, this loses no element: a data set that is broken anywhere is refused.
"""

import struct
from typing import Any, BinaryIO, NamedTuple

from gateway.dicom.representations import SHORT_LENGTHS, known_vr
from gateway.dicom.rewriting.elements import (
    Editor,
    Element,
    Elements,
    Encoding,
    NewElement,
    Treatment,
    encode_element,
)
from gateway.dicom.rewriting.splices import Splice
from gateway.media.dicom_values import decode_ascii
from gateway.media.errors import MediaError

MAX_DEPTH = 100
MAX_ELEMENTS = 2_000_000
MAX_VALUE = 1 << 20
"""Bytes of a value that an editor can read."""

_UNDEFINED = 0xFFFFFFFF
_DELIMITERS, _META_GROUP = 0xFFFE, 0x0002
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_CHARACTER_SETS, _PIXEL_REPRESENTATION = 0x00080005, 0x00280103
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_FRAGMENTED = frozenset({"OB", "OD", "OF", "OL", "OV", "OW"})
_GROUP_LENGTH_SIZE = 4
_WINDOW = 64 << 10
_HEADERS = {order: struct.Struct(f"{order}HHI").unpack_from for order in "<>"}


class _Broken(MediaError):
    """Raised where the lengths of elements do not fit into what holds them."""

    def __init__(self) -> None:
        super().__init__("the DICOM file is truncated, or an element claims a wrong length")


class _Header(NamedTuple):
    """The header of an element.

    Attributes:
        position: where the element begins.
        start: where its value begins.
        length: bytes of the value; None if undefined.
        is_unknown: whether the file states the representation as unknown (UN).
    """

    position: int
    tag: int
    vr: str
    start: int
    length: int | None
    is_unknown: bool = False


class _Level:
    """A data set, or an item, while it is walked through.

    Attributes:
        delta: bytes by which it grows.
    """

    def __init__(self, order: str) -> None:
        self._order = order
        self._group_lengths: dict[int, tuple[_Header, int]] = {}
        self._group_deltas: dict[int, int] = {}
        self.delta = 0

    def add_group_length(self, header: _Header, length: int) -> None:
        """Note where the length of a group is; it follows the changes of the group."""
        self._group_lengths[header.tag >> 16] = header, length

    def grow(self, group: int, size: int) -> None:
        """Note that a group grows by some bytes."""
        self.delta += size
        self._group_deltas[group] = self._group_deltas.get(group, 0) + size

    def end(self) -> list[Splice]:
        """Return the changes of the lengths of groups; those of groups that are gone go, too."""
        splices = []
        for group, (header, stated) in self._group_lengths.items():
            delta = self._group_deltas.get(group, 0)
            if delta and stated + delta > 0:
                splices.append(_length_splice(header.start, stated + delta, self._order))
            elif delta:
                end = header.start + _GROUP_LENGTH_SIZE
                splices.append(Splice(header.position, end, b""))
                self.delta -= end - header.position
        return splices


class _Untouched:
    """Lets all elements be."""

    def change(self, element: Element) -> Treatment:
        """Return that an element is copied."""
        return Treatment.COPY

    def additions(self) -> Elements:
        """Return nothing."""
        return {}


class Walker:
    """Walks through one data set, or the file meta information.

    Attributes:
        splices: the changes so far.
        new_values: those that elements outside of sequences got, by tag.
    """

    def __init__(self, data: BinaryIO, size: int, editor: Editor) -> None:
        self._data = data
        self._size = size
        self._editor: Editor = editor
        self._buffer, self._base = b"", 0
        self._elements = 0
        self.splices: list[Splice] = []
        self.new_values: dict[int, NewElement] = {}

    def walk(self, start: int, encoding: Encoding, *, is_meta: bool = False) -> int:
        """Collect the changes of a data set that begins at a position; return where it ends.

        Args:
            is_meta: whether it ends with the file meta information, which is group 2.

        Raises:
            MediaError: the data set is broken, too deep or has too many elements.
        """
        level, position, present = _Level(encoding.order), start, set[int]()
        additions = dict(sorted(self._editor.additions().items()))
        waiting, places = list(additions), dict[int, int]()
        while position < self._size:
            header = self._header(position, encoding)
            if is_meta and header.tag >> 16 != _META_GROUP:
                break
            while waiting and waiting[0] < header.tag:
                places[waiting.pop(0)] = position
            present.add(header.tag)
            position = self._walk_element(header, self._size, encoding, level, 0)
        for tag, element in additions.items():
            if tag not in present:
                data = encode_element(tag, element, encoding)
                place = places.get(tag, position)
                self.splices.append(Splice(place, place, data))
                level.grow(tag >> 16, len(data))
        self.splices.extend(level.end())
        return position

    def _walk_element(
        self, header: _Header, limit: int, encoding: Encoding, level: _Level, depth: int
    ) -> int:
        """Collect the changes of an element; return where it ends."""
        tag, vr, length = header.tag, header.vr, header.length
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise MediaError(f"the DICOM file has more than {MAX_ELEMENTS:,} elements")
        if tag >> 16 == _DELIMITERS or (length is not None and header.start + length > limit):
            raise _Broken
        if not tag & 0xFFFF and length == _GROUP_LENGTH_SIZE:
            [stated] = self._unpack(f"{encoding.order}I", header.start)
            level.add_group_length(header, stated)
            return header.start + length
        if vr == "SQ" or (length is None and tag not in _PIXELS and vr not in _FRAGMENTED):
            return self._walk_sequence(header, limit, encoding, level, depth)
        if length is None:
            end = self._end_of_fragments(header.start, limit, encoding.order)
        else:
            end = header.start + length
            self._note(header, encoding)
        self._apply(self._change(header, encoding, depth), header, end, encoding, level, depth)
        return end

    def _walk_sequence(
        self, header: _Header, limit: int, encoding: Encoding, level: _Level, depth: int
    ) -> int:
        """Collect the changes of a sequence, or of its items; return where it ends."""
        if depth >= MAX_DEPTH:
            raise MediaError(
                f"the DICOM file has sequences nested more than {MAX_DEPTH} levels deep"
            )
        change = self._change(header, encoding, depth)
        editor, known = self._editor, len(self.splices)
        if change is not Treatment.COPY:
            self._editor = _Untouched()
        try:
            end, delta = self._walk_items(header, limit, encoding, depth)
        except _Broken:
            if not header.is_unknown or header.length is None:
                raise
            del self.splices[known:]
            opaque, end = header._replace(vr="UN"), header.start + header.length
            self._editor = editor
            self._apply(self._change(opaque, encoding, depth), opaque, end, encoding, level, depth)
            return end
        finally:
            self._editor = editor
        if change is not Treatment.COPY:
            self._apply(change, header, end, encoding, level, depth)
        elif delta:
            if header.length is not None:
                self.splices.append(
                    _length_splice(header.start - 4, header.length + delta, encoding.order)
                )
            level.grow(header.tag >> 16, delta)
        return end

    def _walk_items(
        self, header: _Header, limit: int, encoding: Encoding, depth: int
    ) -> tuple[int, int]:
        """Collect the changes of items; return where they end, and how much they grow."""
        end = limit if header.length is None else header.start + header.length
        position, growth = header.start, 0
        while header.length is None or position < end:
            tag, length = self._item_header(position, end, encoding.order)
            position += 8
            if tag == _SEQUENCE_END and header.length is None:
                return position, growth
            if tag != _ITEM or (length is not None and position + length > end):
                raise _Broken
            inner = encoding.of_item()
            if header.is_unknown:  # its items are implicit whatever the syntax, but not all are
                offset = self._at(position, min(6, self._size - position))
                inner.is_implicit = not _is_vr(self._buffer[offset + 4 : offset + 6])
            level = _Level(encoding.order)
            start, position = position, self._walk_item(position, length, end, inner, level, depth)
            self.splices.extend(level.end())
            if level.delta and length is not None:
                self.splices.append(_length_splice(start - 4, length + level.delta, encoding.order))
            growth += level.delta
        return end, growth

    def _walk_item(
        self,
        position: int,
        length: int | None,
        limit: int,
        encoding: Encoding,
        level: _Level,
        depth: int,
    ) -> int:
        """Collect the changes of an item; return where it ends."""
        end = limit if length is None else position + length
        while length is None or position < end:
            header = self._header(position, encoding)
            if header.tag == _ITEM_END and length is None:
                return header.start
            position = self._walk_element(header, end, encoding, level, depth + 1)
        return end

    def _change(self, header: _Header, encoding: Encoding, depth: int) -> NewElement | Treatment:
        def read() -> bytes:
            if header.length is None or header.length > MAX_VALUE:
                raise MediaError(f"the DICOM file has a value of {header.tag:08X} that is too long")
            return self._value(header)

        return self._editor.change(
            Element(header.tag, header.vr, depth, header.length, encoding, read)
        )

    def _apply(
        self,
        change: NewElement | Treatment,
        header: _Header,
        end: int,
        encoding: Encoding,
        level: _Level,
        depth: int,
    ) -> None:
        """Add the change of an element as a whole, unless it is copied."""
        if change is Treatment.COPY:
            return
        data = b""
        if isinstance(change, NewElement):
            data = encode_element(header.tag, change, encoding)
            if not depth:
                self.new_values[header.tag] = change
        self.splices.append(Splice(header.position, end, data))
        level.grow(header.tag >> 16, len(data) - (end - header.position))

    def _note(self, header: _Header, encoding: Encoding) -> None:
        """Note what decides how further elements are read."""
        tag, length = header.tag, header.length or 0
        if tag == _PIXEL_REPRESENTATION and length == 2:
            [representation] = self._unpack(f"{encoding.order}H", header.start)
            encoding.is_signed = representation == 1
        elif tag == _CHARACTER_SETS and length <= MAX_VALUE:
            names = decode_ascii(self._value(header)).split("\\")
            encoding.character_sets = tuple(name.strip(" \0") for name in names)
        elif tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF and length <= MAX_VALUE:
            creator = decode_ascii(self._value(header)).strip(" \0")
            encoding.creators[tag >> 16 << 8 | tag & 0xFF] = creator

    def _header(self, position: int, encoding: Encoding) -> _Header:
        """Return the header of the element at a position."""
        offset = self._at(position, 8)
        group, number, length = _HEADERS[encoding.order](self._buffer, offset)
        tag, start = group << 16 | number, position + 8
        code = self._buffer[offset + 4 : offset + 6]
        if encoding.is_implicit or group == _DELIMITERS or not _is_vr(code):
            vr = known_vr(tag, encoding.creator_of(tag), is_signed=encoding.is_signed)
            return _Header(position, tag, vr, start, None if length == _UNDEFINED else length)
        vr = code.decode("ascii")
        if vr in SHORT_LENGTHS:
            [short] = self._unpack(f"{encoding.order}6xH", position)
            return _Header(position, tag, vr, start, short)
        [length] = self._unpack(f"{encoding.order}8xI", position)
        stated = None if length == _UNDEFINED else length
        if vr != "UN":
            return _Header(position, tag, vr, start + 4, stated)
        known = known_vr(tag, encoding.creator_of(tag), is_signed=encoding.is_signed)
        vr = "SQ" if stated is None else known
        return _Header(position, tag, vr, start + 4, stated, is_unknown=True)

    def _item_header(self, position: int, limit: int, order: str) -> tuple[int, int | None]:
        """Return the tag of an item, or of the end of items, and its length, None if undefined."""
        if position + 8 > limit:
            raise _Broken
        group, number, length = self._unpack(f"{order}HHI", position)
        return group << 16 | number, None if length == _UNDEFINED else length

    def _end_of_fragments(self, position: int, limit: int, order: str) -> int:
        """Return where an element ends that consists of fragments, such as compressed pixels."""
        while True:
            tag, length = self._item_header(position, limit, order)
            self._elements += 1
            if tag == _SEQUENCE_END:
                return position + 8
            if tag != _ITEM or length is None or self._elements > MAX_ELEMENTS:
                raise _Broken
            position += 8 + length

    def _value(self, header: _Header) -> bytes:
        """Return the value of an element, whose length has been checked."""
        length = header.length or 0
        offset = header.start - self._base
        if offset >= 0 and offset + length <= len(self._buffer):
            return self._buffer[offset : offset + length]
        self._data.seek(header.start)
        return self._data.read(length)

    def _unpack(self, code: str, position: int) -> tuple[Any, ...]:
        """Return what is encoded at a position."""
        offset = self._at(position, struct.calcsize(code))
        return struct.unpack_from(code, self._buffer, offset)

    def _at(self, position: int, size: int) -> int:
        """Return where in the buffer a position is; that many bytes from it are there."""
        offset = position - self._base
        if offset < 0 or offset + size > len(self._buffer):
            self._data.seek(position)
            self._buffer, self._base, offset = self._data.read(_WINDOW), position, 0
            if len(self._buffer) < size:
                raise _Broken
        return offset


def _is_vr(code: bytes) -> bool:
    """Whether bytes are a representation; some writers leave it out in places."""
    return code.isalpha() and code.isupper()


def _length_splice(position: int, length: int, order: str) -> Splice:
    """Return the change of a length of 32 bits.

    Raises:
        MediaError: the file would become too large for it.
    """
    if length >= _UNDEFINED:
        raise MediaError("a sequence of the DICOM file would become larger than 4 GiB")
    return Splice(position, position + 4, struct.pack(f"{order}I", length))
