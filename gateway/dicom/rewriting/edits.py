"""Edits of DICOM files as JSON, for the process that makes them."""

from collections.abc import Mapping
from typing import Any, BinaryIO, Literal, TypedDict

from gateway.dicom.anonymization import AnonymizationOptions, Longitudinal, SafePrivate
from gateway.dicom.documents import Document
from gateway.dicom.levels import is_of_study
from gateway.dicom.pseudonyms import Pseudonyms
from gateway.dicom.rewriting.anonymizing import BurnedInText, anonymize
from gateway.dicom.rewriting.copies import CopyEditor
from gateway.dicom.rewriting.elements import Encoding
from gateway.dicom.rewriting.files import rewrite
from gateway.dicom.rewriting.study_attributes import attributes_of_study
from gateway.dicom.rewriting.walking import Walker
from gateway.media.dicom_source import open_source
from gateway.media.errors import MediaError

__all__ = ["BurnedInText"]
MAX_UIDS = 200_000


class CopyEdit(TypedDict):
    """A copy with other UIDs.

    Attributes:
        uids: new UIDs by those of the file.
        study: attributes of patient and study that replace all of the file's, as in the JSON model
            of DICOM; None to leave these.
    """

    kind: Literal["copy"]
    uids: dict[str, str]
    study: dict[str, Any] | None


class AnonymizeEdit(TypedDict):
    """An anonymization.

    Attributes:
        options: see `options_from`.
        secret: that of pseudonyms, in hex.
    """

    kind: Literal["anonymize"]
    options: dict[str, Any]
    secret: str


Edit = CopyEdit | AnonymizeEdit


def options_from(given: Mapping[str, Any]) -> AnonymizationOptions:
    """Return options from JSON: tags are numbers or, as keys, hex digits.

    Raises:
        BadOption: a tag cannot be treated so, or a value is not of its representation.
    """
    longitudinal = given["retain_longitudinal"]
    return AnonymizationOptions(
        **{
            **given,
            "retain_longitudinal": longitudinal and Longitudinal(longitudinal),
            "retain_safe_private": [SafePrivate(*each) for each in given["retain_safe_private"]],
            "replace": {int(tag, 16): values for tag, values in given["replace"].items()},
        }
    )


def find_uids(source: BinaryIO, size: int) -> list[str]:
    """Return all UIDs in a DICOM file but those that DICOM itself defines, at every depth.

    Raises:
        MediaError: the file is broken, or has more than 200,000.
    """
    uids: dict[str, None] = {}

    def note(uid: str) -> None:
        uids[uid] = None
        if len(uids) > MAX_UIDS:
            raise MediaError(f"the DICOM file has more than {MAX_UIDS:,} UIDs")

    opened = open_source(source, size)
    walker = Walker(opened.data, opened.size, CopyEditor(note))
    walker.walk(opened.start, Encoding(opened.is_implicit, opened.is_little_endian))
    return list(uids)


def apply_edit(edit: Edit, source: BinaryIO, size: int, target: BinaryIO) -> None:
    """Write an edited copy of a DICOM file.

    Raises:
        BurnedInText: the pixels may show text, and the options do not allow that.
        MediaError: the file is broken, or cannot be rewritten. What was written must not be used.
    """
    if edit["kind"] == "anonymize":
        pseudonyms = Pseudonyms(bytes.fromhex(edit["secret"]))
        anonymize(source, size, target, options_from(edit["options"]), pseudonyms)
        return
    attributes = {}
    if edit["study"] is not None:
        opened = open_source(source, size)
        document = opened.reader().read(opened.start)
        attributes = attributes_of_study(edit["study"], document)
    rewrite(source, size, target, CopyEditor(edit["uids"].get, attributes))


def study_document(document: Document) -> dict[str, Any]:
    """Return the elements of a document that describe patient and study, but for binary ones."""
    return {
        tag: element
        for tag, element in document.items()
        if is_of_study(tag) and not element.keys() & {"InlineBinary", "BulkDataURI"}
    }
