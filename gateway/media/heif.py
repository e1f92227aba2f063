"""Reads the boxes of HEIF still images, such as HEIC."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.length import read_at
from gateway.media.ranged import ReadableFile

MAX_META_SIZE = 16 << 20
TILED = b"grid"
DECODABLE = (b"hvc1", b"av01", TILED)
# Orientations as matrices, row by row, that take coordinates as stored to those as shown.
MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, -1, 1, 0),
    7: (0, -1, -1, 0),
    8: (0, 1, -1, 0),
}
ORIENTATIONS = {matrix: orientation for orientation, matrix in MATRICES.items()}
ROTATIONS = (1, 8, 3, 6)
"""Orientations by the quarter turns, counterclockwise, of an `irot` property."""
MIRRORS = (4, 2)
"""Orientations by the axis of an `imir` property: upside down, or left to right."""


@dataclass(slots=True)
class HeifImage:
    """The primary picture of a HEIF file.

    Attributes:
        item: Its number in the file.
        coding: Type of the item, such as `hvc1`, or `grid` if it consists of tiles.
        width: Width in pixels, before it is turned.
        height: Height in pixels, before it is turned.
        orientation: EXIF orientation that shows it upright.
        tiles: Items of the tiles, row by row.
        columns: Number of tiles in a row.
        end: Position behind the last byte of the file that belongs to an item.
    """

    item: int
    coding: bytes = b""
    width: int = 0
    height: int = 0
    orientation: int = 1
    tiles: list[int] = field(default_factory=list)
    columns: int = 1
    end: int = 0

    @property
    def is_decodable(self) -> bool:
        """Whether FFmpeg has a decoder for the pixels."""
        return self.coding in DECODABLE


def read_heif(file: ReadableFile, size: int) -> HeifImage:
    """Return what the boxes of a file of `size` bytes state of its primary picture.

    Raises:
        MediaError: There is no picture, or it has no size, or bytes are missing.
        struct.error: A box is broken.
    """
    with file.open("rb") as data:
        meta = next((body for name, body in _file_boxes(data) if name == b"meta"), b"")[4:]
        boxes = dict(_boxes(meta))
        if b"pitm" not in boxes:
            raise UnsuitableFile("the file has no picture that stands alone")
        image = HeifImage(_number(boxes[b"pitm"], 4, 4 if boxes[b"pitm"][0] else 2))
        image.coding = dict(_item_types(boxes.get(b"iinf", b""))).get(image.item, b"")
        _apply_properties(image, boxes.get(b"iprp", b""))
        locations = dict(_locations(boxes.get(b"iloc", b"")))
        image.end = max((end for _, end, is_in_file in locations.values() if is_in_file), default=0)
        if image.coding == TILED:
            image.tiles = _tiles(boxes.get(b"iref", b""), image.item)
            start, end, is_in_file = locations[image.item]
            grid = read_at(data, start, 4) if is_in_file else boxes[b"idat"][start:end]
            image.columns = grid[3] + 1
    if not image.width or not image.height:
        raise MediaError("the file does not state the size of its picture")
    if image.end > size:
        raise MediaError(f"the file is truncated: it has {size:,} of {image.end:,} bytes")
    return image


def _apply_properties(image: HeifImage, iprp: bytes) -> None:
    """Apply the properties of the picture in their order: its size, a crop, turns and mirrors."""
    parts = list(_boxes(iprp))
    properties = [each for name, body in parts if name == b"ipco" for each in _boxes(body)]
    matrix = MATRICES[1]
    for name, body in parts:
        for index in _associations(body, image.item) if name == b"ipma" else ():
            kind, value = properties[index - 1] if 0 < index <= len(properties) else (b"", b"")
            if kind == b"ispe":
                image.width, image.height = struct.unpack_from(">II", value, 4)
            elif kind == b"clap":
                across, across_part, down, down_part = struct.unpack_from(">IIII", value)
                image.width, image.height = across // across_part, down // down_part
            elif kind == b"irot":
                matrix = _product(MATRICES[ROTATIONS[value[0] & 3]], matrix)
            elif kind == b"imir":
                matrix = _product(MATRICES[MIRRORS[value[0] & 1]], matrix)
    image.orientation = ORIENTATIONS[matrix]


def _product(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, int, int, int]:
    a, b, c, d = first
    e, f, g, h = second
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


def _file_boxes(data: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes of the file up to the metadata, which alone is read."""
    start = 0
    while len(head := read_at(data, start, 16)) >= 8:
        length, name, skipped = int.from_bytes(head[:4]), head[4:8], 8
        if length == 1:
            length, skipped = int.from_bytes(head[8:16]), 16
        if name == b"meta":
            yield name, read_at(data, start + skipped, min(length, MAX_META_SIZE) - skipped)
            return
        if length < skipped:
            return
        start += length


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and content of each box."""
    start = 0
    while start + 8 <= len(data):
        length = int.from_bytes(data[start : start + 4])
        if length < 8:
            return
        yield data[start + 4 : start + 8], data[start + 8 : start + length]
        start += length


def _item_types(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the numbers of items and their types."""
    for name, body in _boxes(iinf[8 if iinf[:1] > b"\0" else 6 :]):
        size = 4 if body[:1] > b"\2" else 2
        if name == b"infe" and body[:1] >= b"\2":
            yield _number(body, 4, size), body[6 + size : 10 + size]


def _associations(ipma: bytes, item: int) -> Iterator[int]:
    """Yield the indexes of an item's properties, counted from 1."""
    item_size, index_size = 4 if ipma[0] else 2, 2 if ipma[3] & 1 else 1
    position = 8
    for _ in range(_number(ipma, 4, 4)):
        number = _number(ipma, position, item_size)
        count = ipma[position + item_size]
        position += item_size + 1
        if number == item:
            mask = 0x7FFF if index_size == 2 else 0x7F
            for index in range(count):
                yield _number(ipma, position + index * index_size, index_size) & mask
        position += count * index_size


def _tiles(iref: bytes, item: int) -> list[int]:
    """Return the items from which an item is derived, in order."""
    size = 4 if iref[:1] > b"\0" else 2
    for name, body in _boxes(iref[4:]):
        if name == b"dimg" and _number(body, 0, size) == item:
            count = _number(body, size, 2)
            return [_number(body, size + 2 + index * size, size) for index in range(count)]
    return []


def _locations(iloc: bytes) -> Iterator[tuple[int, tuple[int, int, bool]]]:
    """Yield the number of each item, where it begins and ends, and whether that is in the file."""
    if not iloc:
        return
    version, sizes = iloc[0], (iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15)
    offset_size, length_size, base_size, index_size = sizes
    item_size = 4 if version == 2 else 2
    position, count = 6 + item_size, _number(iloc, 6, item_size)
    for _ in range(count):
        item, method = _number(iloc, position, item_size), 0
        position += item_size
        if version:
            method, position = iloc[position + 1] & 15, position + 2
        base = _number(iloc, position + 2, base_size)
        position += 2 + base_size
        extents, position = _number(iloc, position, 2), position + 2
        starts, ends = [], []
        for _ in range(extents):
            position += index_size if version else 0
            starts.append(base + _number(iloc, position, offset_size))
            ends.append(starts[-1] + _number(iloc, position + offset_size, length_size))
            position += offset_size + length_size
        yield item, (min(starts, default=0), max(ends, default=0), method == 0)


def _number(data: bytes, start: int, size: int) -> int:
    if start + size > len(data):
        raise struct.error("the box ends within a number")
    return int.from_bytes(data[start : start + size])
