"""Which representation of DICOM objects a request accepts (PS3.18, 8.7)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from gateway.http.negotiation import JSON, parse_media_type

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
OCTETS = "application/octet-stream"
MULTIPART = "multipart/related"
ANY_SYNTAX = "*"

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
FRAME_TYPES = {
    IMPLICIT_LITTLE_ENDIAN: OCTETS,
    EXPLICIT_LITTLE_ENDIAN: OCTETS,
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70)], "image/jpeg"),
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (80, 81)], "image/jls"),
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (90, 91)], "image/jp2"),
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (92, 93)], "image/jpx"),
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)], "image/jphc"),
    **dict.fromkeys([f"1.2.840.10008.1.2.4.{n}" for n in (110, 111, 112)], "image/jxl"),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""The media type of frames by the transfer syntax of their file (PS3.18, 8.7.3.3)."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A representation that a request accepts.

    Attributes:
        name: the media type of a part, or of the whole response.
        is_multipart: whether the response has parts.
        syntax: the transfer syntax; `*` for any.
    """

    name: str
    is_multipart: bool
    syntax: str
    quality: float


@lru_cache(maxsize=256)
def accepted(header: str | None) -> tuple[Accepted, ...]:
    """Return what an Accept header accepts, best first; without one, anything."""
    if not header or not header.strip():
        return (Accepted("*/*", True, ANY_SYNTAX, 1.0),)
    ranges = []
    for part in ranges_of(header):
        name, parameters = parse_media_type(part)
        try:
            quality = float(parameters.get("q", "1"))
        except ValueError:
            continue  # a range with a malformed quality is ignored
        if not name or quality <= 0:
            continue
        syntax = parameters.get("transfer-syntax", ANY_SYNTAX)
        if name == MULTIPART:
            name, is_multipart = parameters.get("type", "*/*"), True
        else:
            is_multipart = name == "*/*" or name == "multipart/*"
        ranges.append(
            Accepted("*/*" if name == "multipart/*" else name, is_multipart, syntax, quality)
        )
    return tuple(sorted(ranges, key=lambda each: -each.quality))


def json_type(header: str | None) -> str | None:
    """Return the type of JSON that a request accepts; None if it accepts none."""
    for each in accepted(header):
        if each.name in ("*/*", "application/*", DICOM_JSON):
            return DICOM_JSON
        if each.name == JSON:
            return JSON
    return None


def accepts_objects(header: str | None, syntaxes: Collection[str | None]) -> bool:
    """Return whether a request accepts DICOM objects in these transfer syntaxes, in parts."""
    return all(
        any(
            each.is_multipart and covers(each.name, DICOM) and each.syntax in (ANY_SYNTAX, syntax)
            for each in accepted(header)
        )
        for syntax in syntaxes
    )


def accepts_single(header: str | None) -> bool:
    """Return whether a request prefers one DICOM object that is not in parts."""
    best = accepted(header)[:1]
    return bool(best) and best[0].name == DICOM and not best[0].is_multipart


def frame_type(header: str | None, syntax: str | None) -> tuple[str, bool] | None:
    """Return the media type for frames of a transfer syntax, and whether they are in parts.

    None if the request accepts none that is available: frames are sent as they are stored.
    """
    stored = FRAME_TYPES.get(syntax or "")
    if stored is None:
        return None
    for each in accepted(header):
        if each.syntax not in (ANY_SYNTAX, syntax):
            continue
        if covers(each.name, stored):
            return stored, each.is_multipart
        if each.name == OCTETS:
            return OCTETS, each.is_multipart
    return None


def covers(pattern: str, name: str) -> bool:
    """Return whether a media range such as `image/*` covers a media type."""
    return pattern in ("*/*", f"{name.partition('/')[0]}/*", name.lower())


def ranges_of(header: str) -> Iterable[str]:
    """Yield the parts of a header between commas, of which those in quotes divide nothing."""
    part, is_quoted = "", False
    for piece in header.split(","):
        part = f"{part},{piece}" if is_quoted else piece
        is_quoted = part.count('"') % 2 == 1
        if not is_quoted:
            yield part.strip()
    if is_quoted:
        yield part.strip()
