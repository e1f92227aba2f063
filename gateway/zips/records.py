"""The records of a ZIP archive whose entries are stored, not compressed (APPNOTE.TXT 6.3.10)."""

from datetime import UTC, datetime
from struct import Struct
from typing import Any, NamedTuple

_LOCAL = Struct("<IHHHHHIIIHH")
_CENTRAL = Struct("<IHHHHHHIIIHHHHHII")
_END = Struct("<IHHHHIIH")
_END_64 = Struct("<IQHHIIQQQQ")
_LOCATOR_64 = Struct("<IIQI")
_DESCRIPTOR, _DESCRIPTOR_64 = Struct("<IIII"), Struct("<IIQQ")
_EXTRA, _TIME_EXTRA = Struct("<HH"), Struct("<HHBi")

_SIGNATURES = {
    "local": 0x04034B50,
    "descriptor": 0x08074B50,
    "central": 0x02014B50,
    "end": 0x06054B50,
    "end_64": 0x06064B50,
    "locator_64": 0x07064B50,
}
_ZIP64_ID, _TIME_ID = 0x0001, 0x5455
_PLAIN, _ZIP64 = 20, 45
"""Versions of the format that a reader needs."""
_UNIX = 3 << 8
_UTF8, _WITH_DESCRIPTOR = 1 << 11, 1 << 3
_FILE_MODE, _DIRECTORY_MODE = 0o100644 << 16, (0o040755 << 16) | 0x10
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
_FIRST_DAY, _LAST_DAY = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)
_LAST_UNIX_TIME = 2**31 - 1


class ArchiveEntry(NamedTuple):
    """A file of an archive, or a directory if its name ends with a slash.

    Attributes:
        name: its path in the archive, which `gateway/tree_names.py` makes safe.
        size: its bytes; None if they will be counted as they are sent.
        crc32: the checksum of the bytes; None if it will be computed as they are sent.
        modified: when the file was last modified, in seconds since 1970 in UTC.
        source: where the bytes are, in the form of JSON, for whoever reads them.
    """

    name: str
    size: int | None
    crc32: int | None
    modified: int
    source: Any = None

    @property
    def is_directory(self) -> bool:
        """Return whether the entry is a directory."""
        return self.name.endswith("/")

    @property
    def is_known(self) -> bool:
        """Return whether the entry's header can state the size and checksum."""
        return self.size is not None and self.crc32 is not None


def local_header(entry: ArchiveEntry) -> bytes:
    """Return what comes before the bytes of an entry."""
    name, is_large = entry.name.encode(), _is_large(entry.size)
    size, crc32 = (entry.size or 0, entry.crc32 or 0) if entry.is_known else (0, 0)
    extra = _time_extra(entry.modified)
    if is_large:
        extra = _extra(_ZIP64_ID, size, size) + extra
    return (
        _LOCAL.pack(
            _SIGNATURES["local"],
            _ZIP64 if is_large else _PLAIN,
            _UTF8 | (0 if entry.is_known else _WITH_DESCRIPTOR),
            0,
            *_dos_time(entry.modified),
            crc32,
            *((_MAX_32, _MAX_32) if is_large else (size, size)),
            len(name),
            len(extra),
        )
        + name
        + extra
    )


def data_descriptor(entry: ArchiveEntry, size: int, crc32: int) -> bytes:
    """Return what comes after the bytes of an entry whose header states no size and checksum."""
    record = _DESCRIPTOR_64 if _is_large(entry.size) else _DESCRIPTOR
    return record.pack(_SIGNATURES["descriptor"], crc32, size, size)


def central_header(entry: ArchiveEntry, offset: int, *, has_descriptor: bool = False) -> bytes:
    """Return the record of an entry in the central directory; its size and checksum are known.

    `offset` is the position of its local header.
    """
    assert entry.size is not None
    assert entry.crc32 is not None
    name, size = entry.name.encode(), entry.size
    large = [value for value in (size, size, offset) if value >= _MAX_32]
    extra = (_extra(_ZIP64_ID, *large) if large else b"") + _time_extra(entry.modified)
    return (
        _CENTRAL.pack(
            _SIGNATURES["central"],
            _UNIX | _ZIP64,
            _ZIP64 if large else _PLAIN,
            _UTF8 | (_WITH_DESCRIPTOR if has_descriptor else 0),
            0,
            *_dos_time(entry.modified),
            entry.crc32,
            min(size, _MAX_32),
            min(size, _MAX_32),
            len(name),
            len(extra),
            0,
            0,
            0,
            _DIRECTORY_MODE if entry.is_directory else _FILE_MODE,
            min(offset, _MAX_32),
        )
        + name
        + extra
    )


def end_of_archive(count: int, start: int, size: int) -> bytes:
    """Return the end of an archive, whose central directory has `count` entries.

    It begins at `start` and has `size` bytes.
    """
    end = _END.pack(
        _SIGNATURES["end"],
        0,
        0,
        min(count, _MAX_16),
        min(count, _MAX_16),
        min(size, _MAX_32),
        min(start, _MAX_32),
        0,
    )
    if count < _MAX_16 and size < _MAX_32 and start < _MAX_32:
        return end
    end_64 = _END_64.pack(
        _SIGNATURES["end_64"],
        _END_64.size - 12,  # what follows this field
        _UNIX | _ZIP64,
        _ZIP64,
        0,
        0,
        count,
        count,
        size,
        start,
    )
    return end_64 + _LOCATOR_64.pack(_SIGNATURES["locator_64"], 0, start + size, 1) + end


def _is_large(size: int | None) -> bool:
    return size is None or size >= _MAX_32


def _extra(number: int, *values: int) -> bytes:
    return _EXTRA.pack(number, 8 * len(values)) + b"".join(
        value.to_bytes(8, "little") for value in values
    )


def _time_extra(modified: int) -> bytes:
    """Return the time as Unix has it, since the time in headers has no zone."""
    if not 0 <= modified <= _LAST_UNIX_TIME:
        return b""
    return _TIME_EXTRA.pack(_TIME_ID, 5, 1, modified)


def _dos_time(modified: int) -> tuple[int, int]:
    """Return the time and the date of a header, in UTC and in steps of two seconds."""
    seconds = min(max(modified, int(_FIRST_DAY.timestamp())), int(_LAST_DAY.timestamp()))
    moment = datetime.fromtimestamp(seconds, UTC)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (moment.year - 1980) << 9 | moment.month << 5 | moment.day
