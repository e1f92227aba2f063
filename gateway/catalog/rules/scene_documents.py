"""Scenes that put several things together: what a document names, wherever it stands in it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gateway.errors import DomainError, ErrorCode, Path, bad_input

MAX_PARTS = 1_000
Items = list[tuple[Path, UUID]]
Urls = list[tuple[Path, str]]


def scene_parts(document: dict[str, Any], *path: str | int) -> tuple[Items, Urls]:
    """The items (`itemUuid`) and the files elsewhere (`url`) that a document names, each once, with its place."""
    items: dict[UUID, Path] = {}
    urls: dict[str, Path] = {}
    for place, name, value in _named(document, path):
        if not isinstance(value, str):
            raise bad_input(f"{name} is a text.", *place)
        if name == "url":
            urls.setdefault(value, place)
        else:
            items.setdefault(_uuid(value, place), place)
    if len(items) + len(urls) > MAX_PARTS:
        message = (
            f"The scene has {len(items) + len(urls):,} parts; at most {MAX_PARTS:,} are allowed."
        )
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    return [(place, uuid) for uuid, place in items.items()], [
        (place, url) for url, place in urls.items()
    ]


def _named(value: Any, path: Path) -> Iterator[tuple[Path, str, Any]]:
    """Every `itemUuid` and `url`, however deep; how deep JSON may be is checked when it is read."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _named(one, (*path, place))
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in ("itemUuid", "url"):
                yield (*path, name), name, one
            else:
                yield from _named(one, (*path, name))


def _uuid(text: str, place: Path) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise bad_input("This is no uuid.", *place) from None
