"""Documents in the JSON model of DICOM (PS3.18, F.2), as they are stored."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

Document = dict[str, Any]
"""The elements of a data set by their tags, as eight hexadecimal digits in capitals."""

_LEVEL = 6
_BULK_DATA_URI = b',"BulkDataURI":"'
"""A part of JSON as `pack` writes it; within a text, its quotation marks would be escaped."""
_KEY_SIZE = len('"00100010":')


class Packed(NamedTuple):
    """A document as it is stored.

    Attributes:
        data: JSON compressed by zlib.
        size: bytes of the JSON.
    """

    data: bytes
    size: int

    @property
    def text(self) -> str:
        """The data in base 64."""
        return base64.b64encode(self.data).decode()


def pack(document: Mapping[str, Any]) -> Packed:
    """Compress a document."""
    text = orjson.dumps(document)
    return Packed(zlib.compress(text, _LEVEL), len(text))


def pack_within(document: Document, limit: int) -> tuple[Packed, list[str]]:
    """Compress a document without its largest elements if its JSON has more bytes than `limit`.

    The second value lists the tags of those.
    """
    packed = pack(document)
    if packed.size <= limit:
        return packed, []
    sizes = {tag: len(orjson.dumps(element)) + _KEY_SIZE for tag, element in document.items()}
    excess, omitted = packed.size - limit, []
    for tag in sorted(sizes, key=sizes.__getitem__, reverse=True):
        omitted.append(tag)
        excess -= sizes[tag]
        if excess <= 0:
            break
    kept = {tag: element for tag, element in document.items() if tag not in omitted}
    return pack(kept), omitted


def unpack(data: bytes) -> Document:
    """Return the document that `pack` compressed."""
    document: Document = orjson.loads(unpack_json(data))
    return document


def unpack_json(data: bytes) -> bytes:
    """Return the JSON that `pack` compressed."""
    return zlib.decompress(data)


def without_bulk_data(text: bytes) -> bytes:
    """Return the JSON of a document without the URIs of bulk data, which are relative."""
    first, *others = text.split(_BULK_DATA_URI)
    return b"".join([first, *(part[part.index(b'"') + 1 :] for part in others)])


def from_text(text: str) -> bytes:
    """Return the data of a document that was given in base 64."""
    return base64.b64decode(text)
