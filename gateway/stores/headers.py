"""Header values that are safe to send, whatever users typed as file names and media types."""

import re
from urllib.parse import quote

from gateway.kinds.media_types import UNNAMED_TYPE, is_media_type

_MAX_NAME_LENGTH = 150
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

PDF = "application/pdf"
_TEXT_DOCUMENTS = {"application/json", "application/x-ndjson", "application/xml"}
# SVG is an image that can run script.
_RASTER_IMAGES = {
    f"image/{name}"
    for name in (
        *("apng", "avif", "avif-sequence", "bmp", "gif", "heic", "heic-sequence", "heif"),
        *("heif-sequence", "jp2", "jpeg", "jpx", "jxl", "png", "tiff", "vnd.microsoft.icon"),
        *("webp", "x-icon"),
    )
}


def plain_file_name(name: str) -> str:
    """Return the name without path separators, control or direction marks.

    Long names lose their middle, so that the extension stays.
    """
    visible = _INVISIBLE.sub("", name.encode("utf-8", "replace").decode())
    plain = re.sub(r"[/\\]", "_", visible).lstrip(" ").rstrip(" .")
    if len(plain) > _MAX_NAME_LENGTH:
        plain = plain[: _MAX_NAME_LENGTH - 30] + plain[-30:]
    return plain or "download"


def disposition_header(file_name: str, *, is_inline: bool = False) -> str:
    """Return a Content-Disposition that lets browsers show the file, or only save it.

    It has the name twice (RFC 6266): in ASCII, and in UTF-8 as RFC 8187 encodes it.
    """
    kind = "inline" if is_inline else "attachment"
    name = plain_file_name(file_name)
    fallback = re.sub(r"[^\w .()+,=@-]", "_", name, flags=re.ASCII)
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def inline_media_type(media_type: str, encoding: str | None = None) -> str | None:
    """Return the media type with which browsers may show content; None if they must not.

    Nothing is shown with a type that can run script. Text of any kind, such as HTML, is shown as
    plain text in its encoding, by default UTF-8.
    """
    essence = media_type.partition(";")[0].strip().lower()
    if essence in _TEXT_DOCUMENTS or essence.startswith("text/"):
        return f"text/plain; charset={encoding or 'utf-8'}"
    if essence in _RASTER_IMAGES or essence == PDF:
        return essence
    is_medium = essence.startswith(("video/", "audio/")) and is_media_type(essence)
    return essence if is_medium else None


def safe_media_type(text: str) -> str:
    """Return the media type, or `application/octet-stream` if it is malformed."""
    return text if is_media_type(text) else UNNAMED_TYPE
