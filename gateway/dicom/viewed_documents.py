"""Documents as a viewer sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.dicom.corrections import corrected
from gateway.dicom.documents import Document, unpack, unpack_json, without_bulk_data
from gateway.dicom.masking import masked


@dataclass(frozen=True, slots=True)
class ViewedDocument:
    """The document of an instance, and how the viewer sees it.

    Attributes:
        data: the document as it is stored.
        corrections: attributes of its study that were set by hand, if the viewer sees these.
        is_masked: whether the viewer may not see whose it is.
    """

    data: bytes
    corrections: Mapping[str, Any]
    is_masked: bool

    def document(self) -> Document:
        """Return the elements that the viewer sees."""
        document = corrected(unpack(self.data), self.corrections)
        return masked(document) if self.is_masked else document

    def json(self) -> bytes:
        """Return the JSON of `document`, in which bulk data has no URI."""
        if self.is_masked or self.corrections:
            return without_bulk_data(orjson.dumps(self.document()))
        return without_bulk_data(unpack_json(self.data))
