"""Range requests (RFC 9110, 14): which bytes of a representation a client wants."""

import re

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.IGNORECASE)


class UnsatisfiableRange(Exception):
    """Raised for a range that begins behind the end."""


def requested_range(
    header: str | None, if_range: str | None, tag: str, length: int
) -> tuple[int, int] | None:
    """Return the start and the end, exclusive, of the bytes that are wanted; None if all are.

    A header that is malformed or has several ranges is ignored, as is one that counts only for
    another version: `tag` is the strong ETag of this one.

    Raises:
        UnsatisfiableRange: there are no such bytes.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or (if_range is not None and if_range.strip() != tag):
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        start, stop = max(length - int(suffix), 0), length
    else:
        start, stop = int(first), min(int(last) + 1 if last else length, length)
        if last and int(last) < start:
            return None
    if start >= stop:
        raise UnsatisfiableRange
    return start, stop
