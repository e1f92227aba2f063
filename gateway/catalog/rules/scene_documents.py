"""Documents of composite scenes: the items and URLs that they name."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input

MAX_PARTS = 1_000
Items = list[tuple[Path, UUID]]
Urls = list[tuple[Path, str]]


def scene_parts(document: dict[str, Any], *path: str | int) -> tuple[Items, Urls]:
    """Return the items (`itemUuid`) and URLs (`url`) that a document names at any depth.

    Each is listed once, with the path of its first occurrence.

    Raises:
        DomainError: a value is malformed, or there are more than 1,000 of them.
    """
    items: dict[UUID, Path] = {}
    urls: dict[str, Path] = {}
    for location, name, value in _references(document, path):
        if not isinstance(value, str):
            raise bad_input(f"{name} must be a string.", *location)
        if name == "url":
            urls.setdefault(value, location)
        else:
            try:
                items.setdefault(UUID(value), location)
            except ValueError:
                raise bad_input("Expected a UUID.", *location) from None
    if len(items) + len(urls) > MAX_PARTS:
        message = sized("The scene", 1, MAX_PARTS, len(items) + len(urls), "items and URLs")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    return (
        [(location, uuid) for uuid, location in items.items()],
        [(location, url) for url, location in urls.items()],
    )


def _references(value: Any, path: Path) -> Iterator[tuple[Path, str, Any]]:
    """Yield each `itemUuid` and `url` with its path; the depth of JSON is limited by its parser."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _references(inner, (*path, index))
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in ("itemUuid", "url"):
                yield (*path, name), name, inner
            else:
                yield from _references(inner, (*path, name))
