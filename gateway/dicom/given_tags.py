"""Documents of the elements that a client gives instead of a file to read.

Whatever is no element, or no value of its representation, is left out, so that a document is as
good as one that was read.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from gateway.dicom.documents import Document, pack_within
from gateway.dicom.given_values import BINARY, CONVERSIONS, is_inline
from gateway.dicom.headers import header_of
from gateway.kinds.dicom_object import DicomObject

MAX_SIZE = 1 << 20
"""Bytes of the JSON of a document; its largest elements are left out."""
MAX_DEPTH = 20
"""Levels of nested sequences that are kept."""

_TAG = re.compile("[0-9A-F]{8}")
_UID = re.compile("[0-9.]{1,64}")
_META_GROUP = "0002"
_SIZE = ("00280010", "00280011")
"""Rows and columns, which objects with pixels have."""


def object_of(tags: Mapping[str, Any], representations: Mapping[str, str]) -> DicomObject:
    """Return the object of elements by their tags.

    Args:
        tags: elements as a client gave them; None is an element without a value.
        representations: those of tags that need not state them.
    """
    builder = _Builder(representations)
    document = builder.document(tags, 0)
    packed, omitted = pack_within(document, MAX_SIZE)
    sop_class = (document.get("00080016", {}).get("Value") or [None])[0]
    is_uid = isinstance(sop_class, str) and _UID.fullmatch(sop_class)
    return DicomObject(
        sop_class_uid=sop_class if is_uid else None,
        transfer_syntax_uid=None,
        has_pixels=all("Value" in document.get(tag, {}) for tag in _SIZE),
        header=header_of(document),
        document=packed.text,
        document_size=packed.size,
        is_complete=False,
        errors=builder.errors,
        omitted=omitted,
        character_sets=[],
        encapsulated=None,
    )


class _Builder:
    def __init__(self, representations: Mapping[str, str]) -> None:
        self._representations = representations
        self.errors = 0

    def document(self, tags: Mapping[str, Any], depth: int) -> Document:
        document: Document = {}
        for tag, element in sorted(
            {key.upper(): tags[key] for key in tags}.items(), key=itemgetter(0)
        ):
            vr = self.representation(tag, element)
            if vr is None or depth > MAX_DEPTH:
                self.errors += 1
            else:
                document[tag] = self.element(vr, element or {}, depth)
        return document

    def representation(self, tag: str, element: Any) -> str | None:
        """Return the representation of an element; None if it is no element that is stored."""
        if not _TAG.fullmatch(tag) or tag.startswith(_META_GROUP) or tag.endswith("0000"):
            return None
        if element is not None and not isinstance(element, Mapping):
            return None
        vr = self._representations.get(tag) or (element or {}).get("vr")
        return vr if isinstance(vr, str) and vr in CONVERSIONS.keys() | {"SQ"} | BINARY else None

    def element(self, vr: str, element: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if vr in BINARY:
            inline = element.get("InlineBinary")
            if is_inline(inline):
                return {"vr": vr, "InlineBinary": inline}
            self.errors += inline is not None
            return {"vr": vr}
        given = element.get("Value")
        if given is None:
            return {"vr": vr}
        if not isinstance(given, list):
            self.errors += 1
            return {"vr": vr}
        if vr == "SQ":
            items = [self.document(each, depth + 1) for each in given if isinstance(each, Mapping)]
            self.errors += len(given) - len(items)
            return {"vr": vr, "Value": items} if items else {"vr": vr}
        values = [CONVERSIONS[vr](each) for each in given]
        pairs = zip(values, given, strict=True)
        self.errors += sum(value is None and each not in (None, "") for value, each in pairs)
        has_values = any(value is not None for value in values)
        return {"vr": vr, "Value": values} if has_values else {"vr": vr}
