"""The XML in which clouds list objects and say what is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree

Element = ElementTree.Element


def parsed(data: bytes) -> Element:
    """The document, its names without namespaces; raises `ValueError` for one that is broken or declares types."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("a document with a type of its own")
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text(element: Element, path: str) -> str:
    """The text at a path; raises `ValueError` if there is none."""
    found = element.findtext(path)
    if found is None:
        raise ValueError(f"there is no {path}")
    return found


def each(element: Element, path: str) -> Iterator[Element]:
    """The elements at a path."""
    yield from element.iterfind(path)


def moment(text: str | None) -> datetime | None:
    """A moment of RFC 3339, in UTC; None where there is none that can be read."""
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def error_code(data: bytes) -> str:
    """The code in an answer that says what is wrong, such as `AccessDenied`; empty if it has none."""
    try:
        return parsed(data).findtext("Code") or ""
    except ValueError:
        return ""
