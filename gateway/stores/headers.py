"""Header values that are safe to send, whatever users typed as file names and media types."""

import re
from urllib.parse import quote

_MAX_NAME_LENGTH = 150
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]{1,64}/[\w!#$&^.+-]{1,100}(; ?[\w-]{1,32}=[\w.+-]{1,64}){0,3}", re.ASCII
)


def plain_file_name(name: str) -> str:
    """Return the name without path separators, control or direction marks.

    Long names lose their middle, so that the extension stays.
    """
    visible = _INVISIBLE.sub("", name.encode("utf-8", "replace").decode())
    plain = re.sub(r"[/\\]", "_", visible).strip(" .")
    if len(plain) > _MAX_NAME_LENGTH:
        plain = plain[: _MAX_NAME_LENGTH - 30] + plain[-30:]
    return plain or "download"


def attachment_header(file_name: str) -> str:
    """Return a Content-Disposition that makes browsers save the file, never show it.

    It has the name twice (RFC 6266): in ASCII, and in UTF-8 as RFC 8187 encodes it.
    """
    name = plain_file_name(file_name)
    fallback = re.sub(r"[^\w .()+,=@-]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_media_type(text: str) -> str:
    """Return the media type, or `application/octet-stream` if it is malformed."""
    return text if _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"
