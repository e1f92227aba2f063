"""Reads the directories of TIFF files, among them raw photos of most cameras.

A raw photo has several pictures: the sensor's, which no decoder here reads, and previews of it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from gateway.media.length import read_at

MAX_DIRECTORIES = 10_000
MAX_ENTRIES = 4096
MAX_VALUES = 1 << 20
"""Values of one entry that are read, such as the offsets of tiles."""
FORMATS = {1: "B", 2: "s", 3: "H", 4: "I", 13: "I", 16: "Q", 17: "q", 18: "Q"}
"""Format characters of the types of values that are read, for `struct`."""

WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, MAKE = 256, 257, 259, 262, 271
ORIENTATION, SUBFILE, OLD_SUBFILE, SUB_DIRECTORIES, DNG_VERSION = 274, 254, 255, 330, 50706
STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES = 273, 279, 324, 325
ESSENTIAL = (258, STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES, SUB_DIRECTORIES)
"""Bits of samples, and where the pixels and other pictures are."""
PANASONIC_BORDERS = (4, 5, 6, 7)
"""Top, left, bottom and right border of the picture on the sensor."""
JPEG_OFFSET, JPEG_SIZE, JPEG_COMPRESSIONS = 513, 514, (6, 7)
SENSOR_COLOURS = (32803, 34892)
"""Colour filter array, and linear raw."""
SENSOR_COMPRESSIONS = (32767, 32769, 32770, 32772, 34713, 65535)
REDUCED = 1
OLD_REDUCED = 2
RAW_TYPES = {
    b"NIKON": "image/x-nikon-nef",
    b"SONY": "image/x-sony-arw",
    b"PENTAX": "image/x-pentax-pef",
    b"RICOH": "image/x-pentax-pef",
    b"SAMSUNG": "image/x-samsung-srw",
    b"OLYMPUS": "image/x-olympus-orf",
    b"OM Dig": "image/x-olympus-orf",
    b"Panaso": "image/x-panasonic-rw2",
}
"""MIME types of raw photos by the beginning of the camera's maker."""
MAKE_SIZE = 6

Values = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class TiffPictures:
    """The directories of a TIFF file, each with one picture; values by tag.

    Attributes:
        pages: Directories of the main chain, in order.
        others: Directories that these refer to.
        make: The maker of the camera.
        is_canon_raw: Whether the header has the mark of Canon.
    """

    pages: list[Values] = field(default_factory=list)
    others: list[Values] = field(default_factory=list)
    make: bytes = b""
    is_canon_raw: bool = False

    @property
    def main(self) -> Values:
        """The largest picture that is not marked as a smaller version of another one."""
        pictures = [each for each in (*self.pages, *self.others) if all(size_of(each))]
        full = [each for each in pictures if not _is_reduced(each)]
        return max(
            full or pictures, key=lambda each: size_of(each)[0] * size_of(each)[1], default={}
        )

    @property
    def is_main_behind(self) -> bool:
        """Whether the first picture is only a preview of the main one."""
        return self.main is not self.pages[0] and _is_reduced(self.pages[0])

    @property
    def orientation(self) -> int:
        """The EXIF orientation, which the first directory states for all."""
        stated = (each.get(ORIENTATION, (0,))[0] for each in (self.main, *self.pages[:1]))
        return next((value for value in stated if value in range(1, 9)), 1)

    @property
    def raw_type(self) -> str | None:
        """MIME type of a raw photo; None if it is none."""
        first = self.pages[0] if self.pages else {}
        if DNG_VERSION in first:
            return "image/x-adobe-dng"
        if self.is_canon_raw:
            return "image/x-canon-cr2"
        if not any(_is_of_sensor(each) for each in (*self.pages, *self.others)):
            return None
        makers = (name for mark, name in RAW_TYPES.items() if self.make.startswith(mark))
        return next(makers, "image/tiff")


def read_pictures(data: BinaryIO) -> TiffPictures:
    """Return the directories of a TIFF file.

    Raises:
        struct.error: The first directory is broken, or that of the main picture.
    """
    head = read_at(data, 0, 16)
    order, is_big = "<" if head[:2] == b"II" else ">", head[2:4] in (b"+\0", b"\0+")
    start = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", head, 8 if is_big else 4)[0]
    make, pages, others, waiting = b"", list[Values](), list[Values](), list[int]()
    seen = set[int]()
    while start and start not in seen and len(pages) < MAX_DIRECTORIES:
        seen.add(start)
        try:
            values, start = _read_directory(data, start, order, is_big)
        except struct.error:
            if pages:  # some programs leave a reference to a next one that means nothing
                break
            raise
        make = make or bytes(values.pop(MAKE, ()))[:MAKE_SIZE]
        pages.append(values)
        waiting += values.get(SUB_DIRECTORIES, ())
    broken: struct.error | None = None
    while waiting and len(others) < MAX_DIRECTORIES:
        try:
            values, _ = _read_directory(data, waiting.pop(0), order, is_big)
        except struct.error as error:
            broken = error
        else:
            others.append(values)
            waiting += values.get(SUB_DIRECTORIES, ())
    if broken and all(map(_is_reduced, (*pages, *others))):
        raise broken  # elsewhere, only a smaller version of the main picture is lost
    return TiffPictures(pages, others, make, head[8:10] == b"CR")


def size_of(values: Values) -> tuple[int, int]:
    """Return width and height of a picture as stored; 0 if there is none."""
    if set(PANASONIC_BORDERS) <= values.keys():
        top, left, bottom, right = (values[tag][0] for tag in PANASONIC_BORDERS)
        return right - left, bottom - top
    return values.get(WIDTH, (0,))[0], values.get(HEIGHT, (0,))[0]


def end_of(values: Values) -> int:
    """Return the position behind the last byte of a picture's pixels."""
    ends = [0]
    for offsets, sizes in ((STRIP_OFFSETS, STRIP_SIZES), (TILE_OFFSETS, TILE_SIZES)):
        ends += map(sum, zip(values.get(offsets, ()), values.get(sizes, ()), strict=False))
    return max(ends)


def previews_of(pictures: TiffPictures) -> list[tuple[int, int]]:
    """Return where the JPEG previews of a raw photo begin and end, the largest first."""
    if not pictures.raw_type:
        return []
    previews = []
    for each in (*pictures.pages, *pictures.others):
        if {JPEG_OFFSET, JPEG_SIZE} <= each.keys():
            previews.append((each[JPEG_OFFSET][0], each[JPEG_SIZE][0]))
        elif (
            each.get(COMPRESSION, (0,))[0] in JPEG_COMPRESSIONS
            and len(each.get(STRIP_OFFSETS, ())) == 1
            and not _is_of_sensor(each)
        ):
            previews.append((each[STRIP_OFFSETS][0], each.get(STRIP_SIZES, (0,))[0]))
    largest_first = sorted(previews, key=lambda each: -each[1])
    return [(start, start + size) for start, size in largest_first]


def _is_reduced(values: Values) -> bool:
    old = values.get(OLD_SUBFILE, (0,))[0]
    return bool(values.get(SUBFILE, (0,))[0] & REDUCED) or old == OLD_REDUCED


def _is_of_sensor(values: Values) -> bool:
    return (
        values.get(PHOTOMETRIC, (0,))[0] in SENSOR_COLOURS
        or values.get(COMPRESSION, (0,))[0] in SENSOR_COMPRESSIONS
        or set(PANASONIC_BORDERS) <= values.keys()
    )


def _read_directory(data: BinaryIO, start: int, order: str, is_big: bool) -> tuple[Values, int]:
    """Return the whole numbers of a directory, and where the next one is."""
    count_size, entry_size, offset_format = (8, 20, "Q") if is_big else (2, 12, "I")
    count_format = "Q" if is_big else "H"
    count = struct.unpack(order + count_format, read_at(data, start, count_size))[0]
    count = min(count, MAX_ENTRIES)
    table = read_at(data, start + count_size, count * entry_size + struct.calcsize(offset_format))
    values = dict(_entries(data, table, count, order, is_big))
    following = struct.unpack_from(order + offset_format, table, count * entry_size)[0]
    return values, following


def _entries(
    data: BinaryIO, table: bytes, count: int, order: str, is_big: bool
) -> Iterator[tuple[int, tuple[int, ...]]]:
    size, inline = (20, 8) if is_big else (12, 4)
    for position in range(0, count * size, size):
        tag, kind = struct.unpack_from(f"{order}HH", table, position)
        number = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", table, position + 4)[0]
        if kind not in FORMATS or not 0 < number <= MAX_VALUES:
            continue
        form = f"{order}{number}{FORMATS[kind].replace('s', 'B')}"
        content = table[position + size - inline : position + size]
        if struct.calcsize(form) > inline:
            offset = struct.unpack(f"{order}{'Q' if is_big else 'I'}", content)[0]
            content = read_at(data, offset, struct.calcsize(form))
        if len(content) >= struct.calcsize(form):
            yield tag, struct.unpack_from(form, content)
        elif tag in ESSENTIAL:
            raise struct.error(f"The values of tag {tag} are behind the end of the file.")
