"""What names, descriptions and metadata may be, for every object that has them."""

from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from gateway.clouds.urls import is_bucket_url
from gateway.errors import DomainError, ErrorCode, Path, bad_input

MAX_NAME = 1000
MAX_DESCRIPTION = 10_000
MAX_METADATA = 256 * 1024


def validate_name(name: str | None, *path: str | int) -> str:
    """A name of 1 to 1,000 characters, without control characters, that is no path out of anywhere."""
    if name is None or not name.strip():
        raise bad_input("A name cannot be empty.", *path)
    if len(name) > MAX_NAME:
        raise bad_input(
            f"A name has at most {MAX_NAME:,} characters; this one has {len(name):,}.", *path
        )
    if not name.isprintable() and any(
        ord(character) < 32 or ord(character) == 127 for character in name
    ):
        raise bad_input("A name has no control characters.", *path)
    if {".", ".."} & set(name.replace("\\", "/").split("/")):
        raise bad_input("A name has no part that is . or ..", *path)
    return name


def name_in_url(url: str) -> str:
    """What to call the file at a URL: the last part of its path if that can be a name, else its host or bucket."""
    host, path = _whole_key(url) if is_bucket_url(url) else _unescaped_path(url)
    try:
        return validate_name(path.rstrip("/").rpartition("/")[2])
    except DomainError:
        return host[:MAX_NAME]


def _whole_key(url: str) -> tuple[str, str]:
    """The bucket and the key, in which nothing stands for anything else."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def _unescaped_path(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc, unquote(parts.path)


def validate_description(text: str | None, *path: str | int) -> str:
    """A description of up to 10,000 characters; null clears it."""
    if text is not None and len(text) > MAX_DESCRIPTION:
        raise bad_input(f"A description has at most {MAX_DESCRIPTION:,} characters.", *path)
    return text or ""


def validate_metadata(metadata: Any, *path: str | int, most: int = MAX_METADATA) -> dict[str, Any]:
    """Metadata of so many bytes as JSON at most, which is an object; null clears it."""
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise bad_input("clientMetadata is a JSON object.", *path)
    return _within_size(metadata, path, most)


def merge_metadata(present: Any, patch: Any, *path: str | int) -> dict[str, Any]:
    """Metadata with a merge patch applied (RFC 7396): null removes a key."""
    if not isinstance(patch, dict):
        raise bad_input("clientMetadataPatch is a JSON object.", *path)
    return _within_size(_merge(present or {}, patch), path)


def _merge(present: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(present) if isinstance(present, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _within_size(metadata: dict[str, Any], path: Path, most: int = MAX_METADATA) -> dict[str, Any]:
    try:
        size = len(orjson.dumps(metadata))
    except orjson.JSONEncodeError:
        raise bad_input("This metadata has numbers of more than 64 bits.", *path) from None
    if size > most:
        message = f"The metadata would have {size:,} bytes as JSON; the limit for metadata is {most:,} bytes."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    return metadata
