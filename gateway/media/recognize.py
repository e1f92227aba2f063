"""Decides of what kind a file is whose kind nobody has named.

The content decides. Only where it cannot, such as for DICOM without its preamble, does the
extension of the name suggest a kind, which the file must then turn out to have.
"""

import re
from dataclasses import dataclass

from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType, item_type_of_file
from gateway.kinds.media_formats import AUDIO_DEMUXERS, DEMUXERS, IMAGE_TYPES
from gateway.media.elementary_streams import STREAMS
from gateway.media.other_file import mime_type_of
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import UNRECOGNIZED

TEXT_TYPES = ("text/", "application/json", "application/xml")
KINDS_OF_TYPES = {
    "application/dicom": StorageItemType.DICOM_FILE,
    "application/x-nifti": StorageItemType.NIFTI,
    "application/x-nifti+gzip": StorageItemType.NIFTI,
    "application/pdf": StorageItemType.PDF,
}
SUGGESTED_KINDS = tuple(
    kind.item_type
    for kind in ITEM_KINDS.values()
    if kind.item_type is not StorageItemType.FILE and UNRECOGNIZED.startswith(kind.mime_types)
)
"""Kinds of which content may be unrecognized."""
SVG = "image/svg+xml"
UNCERTAIN_TYPES = (
    *(mime_type for _, mime_type in STREAMS),
    "image/sgi",
    "image/vnd.microsoft.icon",
    "image/vnd.zbrush.pcx",
    "image/x-dib",
    "image/x-win-bitmap",
    "image/x-xwindowdump",
    "video/x-flic",
)
"""Types of which files of numbers may have the first bytes by chance."""
SCENE_MARKS = (b"LASF", b"ASTM-E57", b"\x89MCAP0\r\n", b"#ROSBAG V2.0\n")
"""What scenes begin with that are not text."""
PLY_HEADER = re.compile(rb"ply\r?\nformat (ascii|binary_(little|big)_endian) ")
PCD_MARKS = (b"# .PCD", b"VERSION")
PCD_FIELDS = (b"\nFIELDS ", b"\nSIZE ", b"\nWIDTH ", b"\nHEIGHT ", b"\nDATA ")
RECORDING_TABLES = (b"CREATE TABLE topics", b"CREATE TABLE messages")
"""What the schema of a ROS 2 recording has, on the first page of its SQLite database."""
SCENE_HEAD_SIZE = 64 << 10


@dataclass(frozen=True, slots=True)
class Recognition:
    """The kind of a file.

    `is_certain` says whether a file that cannot be read as this kind must be damaged. It is false
    where so few bytes tell the kind that they may occur by chance, unless the name confirms it.
    """

    item_type: StorageItemType
    is_certain: bool = True


OTHER = Recognition(StorageItemType.FILE)


def recognize(file: ReadableFile, size: int, mime_type: str, name: str) -> Recognition:
    """Return the kind of a file of `size` bytes, given its sniffed MIME type and its name.

    Tables are `PLAIN_TEXT`: whether one is a time series, its content cannot tell.

    Raises:
        OSError: The file cannot be read.
    """
    if not size:
        return OTHER
    with file.open("rb") as data:
        head = data.read(SCENE_HEAD_SIZE)
    if _is_scene(head, is_text=mime_type.startswith("text/")):
        return Recognition(StorageItemType.SCENE)
    # Some formats of other kinds begin like text.
    if mime_type == SVG or mime_type_of(file, size, mime_type) != mime_type:
        return OTHER
    if mime_type in KINDS_OF_TYPES:
        return Recognition(KINDS_OF_TYPES[mime_type])
    if mime_type.startswith(TEXT_TYPES):
        return Recognition(StorageItemType.PLAIN_TEXT, is_certain=False)
    suggested = item_type_of_file(name)
    if mime_type in IMAGE_TYPES or mime_type in DEMUXERS:
        is_image = mime_type in IMAGE_TYPES
        kind = StorageItemType.IMAGE if is_image else _kind_of_streams(file, mime_type)
        return Recognition(kind, mime_type not in UNCERTAIN_TYPES or suggested == kind)
    if mime_type == UNRECOGNIZED and suggested in SUGGESTED_KINDS:
        return Recognition(suggested, is_certain=False)
    return OTHER


def _is_scene(head: bytes, *, is_text: bool) -> bool:
    """Return whether a file is a scene; some formats need more than the bytes they begin with."""
    if head.startswith(PCD_MARKS):
        return all(field in head for field in PCD_FIELDS)
    if PLY_HEADER.match(head):
        return True
    if is_text:
        return False
    if head.startswith(b"SQLite format 3\0"):
        return all(table in head for table in RECORDING_TABLES)
    return head.startswith(SCENE_MARKS)


def _kind_of_streams(file: ReadableFile, mime_type: str) -> StorageItemType:
    """Return whether a file is a video, which has pictures besides cover art, or audio.

    The library is imported here because it takes 0.2 s, and most files do not need it.
    """
    from av.stream import Disposition

    from gateway.media.container import open_container

    stated = StorageItemType.AUDIO if mime_type in AUDIO_DEMUXERS else StorageItemType.VIDEO
    try:
        with open_container(file, mime_type) as container:
            covers = Disposition.attached_pic
            if any(not track.disposition & covers for track in container.streams.video):
                return StorageItemType.VIDEO
            return StorageItemType.AUDIO if container.streams.audio else stated
    except Exception:  # the prober of the kind says what is wrong with the file
        return stated
