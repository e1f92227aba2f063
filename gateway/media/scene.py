"""Facts of a scene in one file: point clouds and recordings of robots, of which only the structure is read."""

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

from gateway.kinds.enums import SceneFormat
from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

MAX_HEADER = 64 << 10
MCAP = b"\x89MCAP0\r\n"
TYPES = {
    SceneFormat.BAG: "application/x-rosbag",
    SceneFormat.DB3: "application/vnd.sqlite3",
    SceneFormat.E57: "model/e57",
    SceneFormat.LAS: "application/vnd.las",
    SceneFormat.LAZ: "application/vnd.laszip",
    SceneFormat.MCAP: "application/x-mcap",
    SceneFormat.PCD: "application/x-pcd",
    SceneFormat.PLY: "application/x-ply",
}
PLY_SIZES = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16"), 2),
    **dict.fromkeys(("int", "uint", "int32", "uint32", "float", "float32"), 4),
    **dict.fromkeys(("double", "float64"), 8),
}
Found = tuple[SceneFormat, int | None, int]
"""The format, the number of points if the file says it, and how many bytes it must have at least."""


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """The format, and the number of points of a cloud.

    Raises:
        MediaError: no format that we know, or bytes are missing.
    """
    with path.open("rb") as file:
        head = file.read(MAX_HEADER)
        reader = next((reader for magic, reader in READERS if head.startswith(magic)), None)
        if reader is None:
            raise MediaError(
                f"said to be a scene, but the content is none of {', '.join(SceneFormat)}"
            )
        kind, points, size = reader(head, file)
    if size > facts.file_size:
        raise MediaError(f"the file is truncated: it has {facts.file_size:,} of {size:,} bytes")
    return replace(facts, mime_type=TYPES[kind], scene={"format": kind, "pointCount": points})


def ply(head: bytes, _file: BinaryIO) -> Found:
    """A polygon file: what the header says of its vertices, and their bytes where these come first."""
    start = head.find(b"end_header")
    if start < 0:
        raise MediaError("the header of the PLY file has no end")
    lines = [line.split() for line in head[:start].decode("ascii", "replace").splitlines()]
    elements = [line for line in lines if line[:1] == ["element"] and len(line) == 3]
    points = next((int(line[2]) for line in elements if line[1] == "vertex"), None)
    is_text = ["format", "ascii", "1.0"] in lines
    if points is None or is_text or elements[0][1] != "vertex":
        return SceneFormat.PLY, points, start + 10
    below = lines[lines.index(elements[0]) + 1 :]
    own = below[: below.index(elements[1])] if len(elements) > 1 else below
    sizes = [
        PLY_SIZES.get(line[1], 0) for line in own if line[:1] == ["property"] and len(line) == 3
    ]
    return SceneFormat.PLY, points, start + 11 + points * sum(sizes)


def pcd(head: bytes, _file: BinaryIO) -> Found:
    """A point cloud of the library of that name."""
    mark = head.find(b"\nDATA ")
    lines = [line.split() for line in head[: max(mark, 0)].decode("ascii", "replace").splitlines()]
    fields = {line[0]: line[1:] for line in lines if line}
    if mark < 0 or not {"FIELDS", "SIZE", "WIDTH", "HEIGHT"} <= fields.keys():
        raise MediaError("the header of the PCD file is not whole")
    end = head.find(b"\n", mark + 1)
    data = head[mark + 6 : end].strip()
    points = int(fields["WIDTH"][0]) * int(fields["HEIGHT"][0])
    counts = fields.get("COUNT", ["1"] * len(fields["SIZE"]))
    stride = sum(int(size) * int(count) for size, count in zip(fields["SIZE"], counts, strict=True))
    return SceneFormat.PCD, points, end + 1 + (points * stride if data == b"binary" else 0)


def las(head: bytes, _file: BinaryIO) -> Found:
    """A laser scan, packed (LAZ) or not."""
    offset, _records, kind, stride, points = struct.unpack_from("<IIBHI", head, 96)
    if head[25] >= 4:  # the minor version
        points = struct.unpack_from("<Q", head, 247)[0]
    packed = bool(kind & 0x80)
    return (
        SceneFormat.LAZ if packed else SceneFormat.LAS,
        points,
        offset + (0 if packed else points * stride),
    )


def e57(head: bytes, _file: BinaryIO) -> Found:
    """A laser scan as ASTM has it; it says how long it is."""
    return SceneFormat.E57, None, struct.unpack_from("<Q", head, 16)[0]


def mcap(_head: bytes, file: BinaryIO) -> Found:
    """A recording that ends as it begins."""
    file.seek(-len(MCAP), 2)
    if file.read() != MCAP:
        raise MediaError("the recording is truncated: it has no end")
    return SceneFormat.MCAP, None, 2 * len(MCAP)


def bag(_head: bytes, _file: BinaryIO) -> Found:
    """A recording of ROS 1."""
    return SceneFormat.BAG, None, 0


def db3(head: bytes, _file: BinaryIO) -> Found:
    """A recording of ROS 2, which is an SQLite database: so many pages of that size."""
    size, pages = struct.unpack_from(">H", head, 16)[0], struct.unpack_from(">I", head, 28)[0]
    return SceneFormat.DB3, None, (65536 if size == 1 else size) * pages


READERS: tuple[tuple[bytes, Callable[[bytes, BinaryIO], Found]], ...] = (
    (b"ply", ply),
    (b"# .PCD", pcd),
    (b"VERSION", pcd),
    (b"LASF", las),
    (b"ASTM-E57", e57),
    (MCAP, mcap),
    (b"#ROSBAG V2.0\n", bag),
    (b"SQLite format 3\0", db3),
)
