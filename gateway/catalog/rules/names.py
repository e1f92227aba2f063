"""Rules for the names, descriptions and metadata of all objects."""

from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from gateway.clouds.urls import is_bucket_url
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input

MAX_NAME = 1000
MAX_DESCRIPTION = 10_000
MAX_METADATA = 256 * 1024


def validate_name(name: str | None, *path: str | int) -> str:
    """Return a name of 1 to 1,000 characters, without control characters and path segments.

    Raises:
        DomainError: at `path`.
    """
    if name is None or not name.strip():
        raise bad_input("A name cannot be empty.", *path)
    if len(name) > MAX_NAME:
        raise bad_input(sized("A name", 1, MAX_NAME, len(name)), *path)
    if not name.isprintable() and any(
        ord(character) < 32 or ord(character) == 127 for character in name
    ):
        raise bad_input("A name cannot contain control characters.", *path)
    if {".", ".."} & set(name.replace("\\", "/").split("/")):
        raise bad_input("A name cannot contain . or .. as a path segment.", *path)
    return name


def name_in_url(url: str) -> str:
    """Return a name for the file at a URL: the last part of its path, else its host or bucket."""
    if is_bucket_url(url):  # keys of objects are not percent-encoded
        host, _, path = url.partition("://")[2].partition("/")
    else:
        parts = urlsplit(url)
        host, path = parts.netloc, unquote(parts.path)
    try:
        return validate_name(path.rstrip("/").rpartition("/")[2])
    except DomainError:
        return host[:MAX_NAME]


def validate_description(text: str | None, *path: str | int) -> str:
    """Return a description of up to 10,000 characters; null clears it.

    Raises:
        DomainError: at `path`.
    """
    if text is not None and len(text) > MAX_DESCRIPTION:
        raise bad_input(sized("A description", 0, MAX_DESCRIPTION, len(text)), *path)
    return text or ""


def validate_metadata(metadata: Any, *path: str | int, most: int = MAX_METADATA) -> dict[str, Any]:
    """Return metadata that is an object of at most `most` bytes as JSON; null clears it.

    Raises:
        DomainError: at `path`.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        name = next((part for part in reversed(path) if isinstance(part, str)), "clientMetadata")
        raise bad_input(f"{name} must be a JSON object.", *path)
    return _within_size(metadata, path, most)


def merge_metadata(metadata: Any, patch: Any, *path: str | int) -> dict[str, Any]:
    """Return metadata with a JSON merge patch (RFC 7396) applied: null removes a key.

    Raises:
        DomainError: at `path`.
    """
    if not isinstance(patch, dict):
        raise bad_input("clientMetadataPatch must be a JSON object.", *path)
    return _within_size(_merge(metadata or {}, patch), path)


def _merge(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for key, new in patch.items():
        if new is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), new)
    return merged


def _within_size(metadata: dict[str, Any], path: Path, most: int = MAX_METADATA) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(metadata))
    except orjson.JSONEncodeError:
        raise bad_input("Integers in metadata must have at most 64 bits.", *path) from None
    if size > most:
        message = sized("The metadata", 0, most, size, "bytes as JSON")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    return metadata
