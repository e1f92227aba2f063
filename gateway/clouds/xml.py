"""XML of cloud responses: listings and errors."""

from datetime import UTC, datetime
from xml.etree import ElementTree

Element = ElementTree.Element


def parse_xml(data: bytes) -> Element:
    """Return the root element, with all namespaces removed from tags.

    Raises `ValueError` for malformed documents, and for those with a document type or entities,
    which no cloud sends and which a parser may expand to any size.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("the document declares a type or entities")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def required_text(element: Element, path: str) -> str:
    """Return the text at a path; raises `ValueError` if there is none."""
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"{path} is missing")
    return text


def parse_timestamp(text: str | None) -> datetime | None:
    """Return an RFC 3339 timestamp in UTC; None if it is absent or malformed."""
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def error_code(data: bytes) -> str:
    """Return the code of an error response, such as `AccessDenied`; empty if it has none."""
    try:
        return parse_xml(data).findtext("Code") or ""
    except ValueError:
        return ""
