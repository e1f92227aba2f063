"""Recognizes streams without a container by a chain of frames, each of which leads to the next.

A single frame header is too short to tell a stream from other data.
"""

import re
from collections.abc import Callable, Iterator

MIN_FRAMES = 3
SCANNED_SIZE = 4096
"""Bytes before the first frame, as a recording of a broadcast may begin in the middle of one."""
MPEG_SAMPLE_RATES = (44100, 48000, 32000)
MPEG_BIT_RATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by version, 2 standing for 2.5 too, and layer."""
AC3_BIT_RATES = (
    *(32, 40, 48, 56, 64, 80, 96, 112, 128, 160),
    *(192, 224, 256, 320, 384, 448, 512, 576, 640),
)
SBC_SYNC = 0x9C
PACKET_SYNC, NULL_PACKETS = 0x47, 0x1FFF
CHECKED_PACKETS = 8
START_CODE = re.compile(rb"\x00?\x00\x00\x01")

FrameSize = Callable[[bytes], int]
"""Returns the size of the frame that begins with a header of 8 bytes; 0 if none does."""


def mpeg_audio_frame(header: bytes) -> int:
    """Return the size of a frame of MPEG audio, of any version and layer."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = {3: 1, 2: 2, 0: 2.5}.get(header[1] >> 3 & 3), 4 - (header[1] >> 1 & 3)
    bit_rate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version is None or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return 0
    sample_rate = MPEG_SAMPLE_RATES[rate] // {1: 1, 2: 2, 2.5: 4}[version]
    bits = 1000 * MPEG_BIT_RATES[min(int(version), 2), layer][bit_rate - 1]
    padding = header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // sample_rate + padding) * 4
    return (72 if layer == 3 and version > 1 else 144) * bits // sample_rate + padding


def adts_frame(header: bytes) -> int:
    """Return the size of a frame of AAC in ADTS."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if header[2] >> 2 & 15 < 13 and size > 7 else 0


def loas_frame(header: bytes) -> int:
    """Return the size of a frame of AAC in LATM and LOAS."""
    if len(header) < 3 or header[0] != 0x56 or header[1] & 0xE0 != 0xE0:
        return 0
    return ((header[1] & 0x1F) << 8 | header[2]) + 3


def ac3_frame(header: bytes) -> int:
    """Return the size of a frame of AC-3."""
    if len(header) < 6 or header[:2] != b"\x0b\x77" or header[5] >> 3 > 10:
        return 0
    rate, size_code = header[4] >> 6, header[4] & 63
    if rate == 3 or size_code >> 1 >= len(AC3_BIT_RATES):
        return 0
    bits = AC3_BIT_RATES[size_code >> 1]
    if rate == 1:  # 44.1 kHz
        return 2 * (bits * 96000 // 44100 + (size_code & 1))
    return bits * (4 if rate == 0 else 6)


def eac3_frame(header: bytes) -> int:
    """Return the size of a frame of E-AC-3."""
    if len(header) < 6 or header[:2] != b"\x0b\x77" or header[5] >> 3 not in range(11, 17):
        return 0
    return (((header[2] & 7) << 8 | header[3]) + 1) * 2


def sbc_frame(header: bytes) -> int:
    """Return the size of a frame of SBC, the codec of Bluetooth."""
    if len(header) < 4 or header[0] != SBC_SYNC:
        return 0
    blocks, mode = 4 * ((header[1] >> 4 & 3) + 1), header[1] >> 2 & 3
    bands, pool = 8 if header[1] & 1 else 4, header[2]
    channels = 1 if mode == 0 else 2
    size = 4 + 4 * bands * channels // 8
    bits = blocks * pool * (channels if mode < 2 else 1) + (bands if mode == 3 else 0)
    return size + (bits + 7) // 8 if 2 <= pool <= 250 else 0


STREAMS: tuple[tuple[FrameSize, str], ...] = (
    (mpeg_audio_frame, "audio/mpeg"),
    (adts_frame, "audio/aac"),
    (loas_frame, "audio/x-loas"),
    (ac3_frame, "audio/ac3"),
    (eac3_frame, "audio/eac3"),
    (sbc_frame, "audio/x-sbc"),
)


def sniff_audio_stream(head: bytes) -> str | None:
    """Recognize a stream of audio frames that begins within the first bytes."""
    begin = len(head) - len(head.lstrip(b"\0"))
    for frame_size, mime_type in STREAMS:
        if has_frames(head, begin, frame_size, MIN_FRAMES):
            return mime_type
    for frame_size, mime_type in STREAMS[:2]:
        for start in _sync_bytes(head):
            if has_frames(head, start, frame_size, 2 * MIN_FRAMES):
                return mime_type
    return None


def has_frames(head: bytes, start: int, frame_size: FrameSize, least: int) -> bool:
    """Return whether so many frames follow each other, or fill a short file."""
    count = 0
    while count < least and start < len(head):
        size = frame_size(head[start : start + 8])
        if not size:
            return False
        start += size
        count += 1
    return count >= least or (count > 0 and len(head) == start)


def _sync_bytes(head: bytes) -> Iterator[int]:
    start = -1
    while (start := head.find(0xFF, start + 1, SCANNED_SIZE)) >= 0:
        yield start


def sniff_video_stream(head: bytes) -> str | None:
    """Recognize MPEG streams of programs and transport, and video without a container."""
    if head.startswith(b"\0\0\1\xba") and head[4:5] and (head[4] >> 6 == 1 or head[4] >> 4 == 2):
        return "video/mpeg"
    if head.startswith(b"\0\0\1\xb3") and head[7:8] and head[7] & 15 in range(1, 9):
        return "video/mpv"
    if _has_packets(head, 0, 188) or _has_packets(head, 4, 192) or _has_packets(head, 0, 204):
        return "video/mp2t"
    if head.startswith((b"\x1f\x07\0\x3f", b"\x1f\x07\0\xbf")) and head[80:81] == b"\x3f":
        return "video/dv"
    return _sniff_nal_units(head)


def _has_packets(head: bytes, start: int, size: int) -> bool:
    """Return whether packets of a transport stream follow each other, or fill a short file.

    The packets of each stream in it are numbered. Without the numbers, any table of which a column
    repeats the first byte would do, such as floats between 32,768 and 131,072.
    """
    packets = [head[at : at + 4] for at in range(start, len(head) - 3, size)]
    first = packets[:CHECKED_PACKETS]
    if len(first) < MIN_FRAMES or any(
        each[0] != PACKET_SYNC or not each[3] & 0x30 for each in first
    ):
        return False
    numbers: dict[int, int] = {}
    follows = []
    for _, high, low, flags in packets:
        pid, number = (high & 0x1F) << 8 | low, flags & 15
        if flags & 0x10 and pid != NULL_PACKETS:
            if pid in numbers:
                follows.append(number == (numbers[pid] + 1) % 16)
            numbers[pid] = number
    return any(follows) or (not follows and len(packets) < CHECKED_PACKETS)


def _sniff_nal_units(head: bytes) -> str | None:
    """Recognize H.264 and H.265 by the parameter sets that each stream begins with."""
    if not START_CODE.match(head):
        return None
    units = [head[match.end() : match.end() + 2] for match in START_CODE.finditer(head)]
    units = [unit for unit in units if len(unit) == 2 and unit[0] < 128]
    if {7, 8} <= {unit[0] & 31 for unit in units} and units[0][0] & 31 in (6, 7, 9):
        return "video/h264"
    kinds = [unit[0] >> 1 & 63 for unit in units if unit[1] & 7 == 1]
    return "video/h265" if {32, 33, 34} <= set(kinds) and kinds[0] in (32, 35) else None
