"""Probes scenes in one file: point clouds and robot recordings, whose structure alone is read."""

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from gateway.kinds.enums import SceneFormat
from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

MAX_HEADER_SIZE = 64 << 10
MAX_POINTS = 2**63 - 1
"""The largest number that a database stores."""
MIN_TEXT_POINT = 2
"""Bytes that a point takes in a text at least: a digit and a separator."""
LAS_HEADER_SIZE, E57_HEADER_SIZE = 227, 48
"""Bytes of the shortest headers."""
MCAP_MAGIC = b"\x89MCAP0\r\n"
MIME_TYPES = {
    SceneFormat.BAG: "application/x-rosbag",
    SceneFormat.DB3: "application/vnd.sqlite3",
    SceneFormat.E57: "model/e57",
    SceneFormat.LAS: "application/vnd.las",
    SceneFormat.LAZ: "application/vnd.laszip",
    SceneFormat.MCAP: "application/x-mcap",
    SceneFormat.PCD: "application/x-pcd",
    SceneFormat.PLY: "application/x-ply",
}
PLY_TYPE_SIZES = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16"), 2),
    **dict.fromkeys(("int", "uint", "int32", "uint32", "float", "float32"), 4),
    **dict.fromkeys(("double", "float64"), 8),
}


class SceneHeader(NamedTuple):
    """The header of a scene file.

    `point_count` is None if the format has none, and `min_size` is the number of bytes that the
    file must have at least.
    """

    format: SceneFormat
    point_count: int | None
    min_size: int


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the format, and the number of points of a point cloud.

    Raises:
        MediaError: The format is unknown, or the file is truncated.
    """
    with file.open("rb") as data:
        head = data.read(MAX_HEADER_SIZE)
        parse = next((parse for magic, parse in PARSERS if head.startswith(magic)), None)
        if parse is None:
            raise MediaError(
                f"expected a scene, but the content is none of {', '.join(SceneFormat)}"
            )
        header = parse(head, data)
    if header.min_size > facts.file_size:
        raise MediaError(
            f"the file is truncated: it has {facts.file_size:,} of {header.min_size:,} bytes"
        )
    points, warnings = header.point_count, []
    if points is not None and not 0 <= points <= MAX_POINTS:
        warnings = [f"The header states {points:,} points, which is not a plausible number."]
        points = None
    scene = {"format": header.format, "pointCount": points}
    return replace(facts, mime_type=MIME_TYPES[header.format], scene=scene).with_warnings(*warnings)


def parse_ply(head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a polygon file; its length is known if binary vertices come first."""
    end = head.find(b"end_header")
    if end < 0:
        raise MediaError("the header of the PLY file has no end")
    lines = [line.split() for line in head[:end].decode("ascii", "replace").splitlines()]
    elements = [line for line in lines if line[:1] == ["element"] and len(line) == 3]
    points = next((int(line[2]) for line in elements if line[1] == "vertex"), None)
    if ["format", "ascii", "1.0"] in lines:
        size = (points or 0) * MIN_TEXT_POINT
        return SceneHeader(SceneFormat.PLY, points, end + len("end_header") + size)
    if points is None or elements[0][1] != "vertex":
        return SceneHeader(SceneFormat.PLY, points, end + len("end_header"))
    below = lines[lines.index(elements[0]) + 1 :]
    properties = below[: below.index(elements[1])] if len(elements) > 1 else below
    stride = sum(
        PLY_TYPE_SIZES.get(line[1], 0)
        for line in properties
        if line[:1] == ["property"] and len(line) == 3
    )
    return SceneHeader(SceneFormat.PLY, points, end + len("end_header\n") + points * stride)


def parse_pcd(head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a file of the Point Cloud Library."""
    mark = head.find(b"\nDATA ")
    lines = [line.split() for line in head[: max(mark, 0)].decode("ascii", "replace").splitlines()]
    fields = {line[0]: line[1:] for line in lines if line}
    if mark < 0 or not {"FIELDS", "SIZE", "WIDTH", "HEIGHT"} <= fields.keys():
        raise MediaError("the header of the PCD file is incomplete")
    end = head.find(b"\n", mark + 1)
    encoding = head[mark + len("\nDATA ") : end].strip()
    points = int(fields["WIDTH"][0]) * int(fields["HEIGHT"][0])
    counts = fields.get("COUNT", ["1"] * len(fields["SIZE"]))
    stride = sum(int(size) * int(count) for size, count in zip(fields["SIZE"], counts, strict=True))
    size = points * {b"binary": stride, b"ascii": MIN_TEXT_POINT}.get(encoding, 0)
    return SceneHeader(SceneFormat.PCD, points, end + 1 + size)


def parse_las(head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a laser scan, compressed (LAZ) or not. All versions are 1.x."""
    if head[24:25] != b"\x01":
        raise UnsuitableFile("the file begins like a LAS file, but does not state its version")
    header_size, offset, _records, point_format, stride, points = struct.unpack_from(
        "<HIIBHI", head, 94
    )
    if not LAS_HEADER_SIZE <= header_size <= offset:
        raise UnsuitableFile("the file begins like a LAS file, but its header states no points")
    minor_version = head[25]
    if minor_version >= 4:
        points = struct.unpack_from("<Q", head, 247)[0]
    if point_format & 0x80:
        return SceneHeader(SceneFormat.LAZ, points, offset)
    return SceneHeader(SceneFormat.LAS, points, offset + points * stride)


def parse_e57(head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a laser scan in the format of ASTM, which states its length."""
    version, _minor_version, size = struct.unpack_from("<IIQ", head, 8)
    if version != 1 or size < E57_HEADER_SIZE:
        raise UnsuitableFile("the file begins like an E57 file, but does not state its version")
    return SceneHeader(SceneFormat.E57, None, size)


def parse_mcap(_head: bytes, data: BinaryIO) -> SceneHeader:
    """Parse a recording that ends as it begins."""
    data.seek(-len(MCAP_MAGIC), 2)
    if data.read() != MCAP_MAGIC:
        raise MediaError("the recording is truncated: it has no end mark")
    return SceneHeader(SceneFormat.MCAP, None, 2 * len(MCAP_MAGIC))


def parse_bag(_head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a recording of ROS 1."""
    return SceneHeader(SceneFormat.BAG, None, 0)


def parse_db3(head: bytes, _data: BinaryIO) -> SceneHeader:
    """Parse a recording of ROS 2: an SQLite database, whose header states its pages."""
    page_size = struct.unpack_from(">H", head, 16)[0]
    pages = struct.unpack_from(">I", head, 28)[0]
    return SceneHeader(SceneFormat.DB3, None, (65536 if page_size == 1 else page_size) * pages)


PARSERS: tuple[tuple[bytes, Callable[[bytes, BinaryIO], SceneHeader]], ...] = (
    (b"ply", parse_ply),
    (b"# .PCD", parse_pcd),
    (b"VERSION", parse_pcd),
    (b"LASF", parse_las),
    (b"ASTM-E57", parse_e57),
    (MCAP_MAGIC, parse_mcap),
    (b"#ROSBAG V2.0\n", parse_bag),
    (b"SQLite format 3\0", parse_db3),
)
"""Parsers of headers by the bytes that a file begins with."""
