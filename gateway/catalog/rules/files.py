"""Rules for what clients say of files: digests, media types and links."""

import re
from urllib.parse import urlsplit

from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.kinds.media_types import UNNAMED_TYPE, is_media_type
from gateway.web_addresses import origin_of

MAX_LINK = 8_000
"""Characters of a link."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def validate_sha256(text: str | None, *path: str | int) -> str | None:
    """Return a SHA-256 in lower case; null or empty stands for none.

    Raises:
        DomainError: at `path`.
    """
    digest = text.lower() if text else None
    if digest and not _SHA256.fullmatch(digest):
        raise bad_input("sha256 must have 64 hex digits.", *path)
    return digest


def validate_mime_type(text: str | None, *path: str | int) -> str:
    """Return a media type; null or empty stands for that of unknown bytes.

    Raises:
        DomainError: at `path`.
    """
    mime_type = text or UNNAMED_TYPE
    if not is_media_type(mime_type):
        message = (
            "mimeType must be a type and a subtype, such as image/png, of at most 255 characters."
        )
        raise bad_input(message, *path)
    return mime_type


def validate_link(url: str, *path: str | int) -> str:
    """Return a public URL that is handed out as it is.

    Raises:
        DomainError: at `path`.
    """
    if len(url) > MAX_LINK:
        raise bad_input(sized("A link", 1, MAX_LINK, len(url)), *path)
    if origin_of(url) is None or urlsplit(url).scheme not in ("http", "https"):
        raise bad_input("Expected an http:// or https:// URL.", *path)
    if "@" in urlsplit(url).netloc:
        raise bad_input("A link cannot contain a user or a password: it is shown to others.", *path)
    return url
