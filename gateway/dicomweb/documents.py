"""Stored documents as metadata: with the transfer syntax, and URLs of bulk data.

Nearly all documents are changed as text: parsing one takes several times longer than inflating it.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from gateway.dicom.documents import Document
from gateway.dicom.masking import masked

SYNTAX = "00083002"
"""Available Transfer Syntax UID."""
_SYNTAX_KEY = f'"{SYNTAX}'.encode()
_URI = b'"BulkDataURI":"'
_AFTER_SYNTAX = re.compile(
    rb',"(?:0008(?:300[3-9A-F]|30[1-9A-F].|3[1-9A-F]..|[4-9A-F]...)|00(?:09|0[A-F]|[1-9A-F].)....'
    rb'|(?:0[1-9A-F]|[1-9A-F].)......)":\{'
)
_TOP, _IN_ELEMENT = 1, 2
"""Depths of braces: within the document, and within an element of its first level."""
_LAST_URI = len('7FE00010"}}')
"""The end of a document whose last element is bulk data, which cannot be within a sequence."""


def metadata_text(
    packed: bytes, url: str, syntax: str | None, changes: Mapping[str, Any], *, is_masked: bool
) -> bytes:
    """Return a stored document as JSON text.

    Args:
        url: where the instance is; bulk data is below it.
        syntax: the transfer syntax in which the instance is available.
        changes: elements that replace those of the file.
        is_masked: whether identifying elements are left out.
    """
    text = zlib.decompress(packed)
    bulk = f"{url}/bulkdata/"
    if is_masked or changes:
        return _parsed(text, bulk, syntax, changes, is_masked=is_masked)
    pieces: list[bytes] = []
    depth = position = 0
    for end, wanted, added in _insertions(text, bulk, syntax):
        if len(text) - end != _LAST_URI or not text.endswith(b'"}}'):
            depth += text.count(b"{", position, end) - text.count(b"}", position, end)
            if depth != wanted or end < position:
                return _parsed(text, bulk, syntax, changes, is_masked=False)
        pieces += (text[position:end], added)
        position = end
    pieces.append(text[position:])
    return b"".join(pieces)


def _insertions(text: bytes, bulk: str, syntax: str | None) -> Iterator[tuple[int, int, bytes]]:
    """Yield what is added to a document: where, at which depth of braces, and the bytes.

    The depth tells whether the place is not within a sequence.
    """
    if syntax is not None:
        match = _AFTER_SYNTAX.search(text)
        is_first = match is None or text[1:10] >= _SYNTAX_KEY
        yield (0 if match is None else match.start()), -1 if is_first else _TOP, _element(syntax)
    start = text.find(_URI)
    while start >= 0:
        start += len(_URI)
        yield start, _IN_ELEMENT, bulk.encode()
        start = text.find(_URI, start)


@lru_cache(maxsize=256)
def _element(syntax: str) -> bytes:
    """Return the element of a transfer syntax, to be put before a comma."""
    return b',"%b":%b' % (SYNTAX.encode(), orjson.dumps({"vr": "UI", "Value": [syntax]}))


def _parsed(
    text: bytes, bulk: str, syntax: str | None, changes: Mapping[str, Any], *, is_masked: bool
) -> bytes:
    document: Document = orjson.loads(text)
    if is_masked:
        document = masked(document)
    else:
        document.update(changes)
    with_bulk_urls(document, bulk)
    if syntax is not None:
        document[SYNTAX] = {"vr": "UI", "Value": [syntax]}
    return orjson.dumps(dict(sorted(document.items())))


def with_bulk_urls(document: Document, bulk: str) -> None:
    """Let references to bulk data be URLs, which have the way through sequences.

    Those in items are `00880200/0/7FE00010`, with the index of the item from 0.
    """
    for tag, element in document.items():
        if "BulkDataURI" in element:
            element["BulkDataURI"] = bulk + tag
        elif element["vr"] == "SQ":
            for index, item in enumerate(element.get("Value") or ()):
                if item:
                    with_bulk_urls(item, f"{bulk}{tag}/{index}/")
