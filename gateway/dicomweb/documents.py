"""Stored documents as metadata: with the transfer syntax, and URLs of bulk data.

Nearly all documents are changed as text: parsing one takes several times longer than inflating it.
"""

import re
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dicom.documents import Document
from gateway.dicom.masking import masked

SYNTAX = "00083002"
"""Available Transfer Syntax UID."""
_URI = b'"BulkDataURI":"'
_AFTER_SYNTAX = re.compile(
    rb',"(?:0008(?:300[3-9A-F]|30[1-9A-F].|3[1-9A-F]..|[4-9A-F]...)|00(?:09|0[A-F]|[1-9A-F].)....'
    rb'|(?:0[1-9A-F]|[1-9A-F].)......)":\{'
)
_CANDIDATES = 20
"""Elements after which a document is parsed to see where the transfer syntax belongs."""
_TOP, _IN_ELEMENT = 1, 2
"""Depths of braces: within the document, and within an element of its first level."""


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
    if is_masked or changes or text.count(b"{") != text.count(b"}"):
        return _parsed(text, bulk, syntax, changes, is_masked=is_masked)
    depth, position = 0, 0
    while (start := text.find(_URI, position)) >= 0:
        depth += text.count(b"{", position, start) - text.count(b"}", position, start)
        if depth != _IN_ELEMENT:
            return _parsed(text, bulk, syntax, changes, is_masked=False)
        position = start + len(_URI)  # which has no braces
    if syntax is not None:
        middle = position_of_syntax(text)
        if middle is None:
            return _parsed(text, bulk, syntax, changes, is_masked=False)
        added = orjson.dumps({"vr": "UI", "Value": [syntax]})
        text = b'%b,"%b":%b%b' % (text[:middle], SYNTAX.encode(), added, text[middle:])
    return text.replace(_URI, _URI + bulk.encode()) if position else text


def position_of_syntax(text: bytes) -> int | None:
    """Return where the transfer syntax belongs among the elements; None if that is not plain.

    Braces in texts can mislead this, to a middle at which it is valid JSON, too.
    """
    if text[1:10] >= b'"%b' % SYNTAX.encode():
        return None
    depth, position = 0, 0
    for count, match in enumerate(_AFTER_SYNTAX.finditer(text)):
        depth += text.count(b"{", position, match.start()) - text.count(
            b"}", position, match.start()
        )
        position = match.start()
        if depth == _TOP:
            return position
        if count == _CANDIDATES:
            return None
    return len(text) - 1 if not position else None


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
