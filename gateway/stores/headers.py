"""Header values that are safe to send, whatever a user typed into a file name or a media type."""

import re
from urllib.parse import quote

_LONGEST = 150  # characters of a file name
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]{1,64}/[\w!#$&^.+-]{1,100}(; ?[\w-]{1,32}=[\w.+-]{1,64}){0,3}", re.ASCII
)


def plain_file_name(name: str) -> str:
    """The name without path, control or direction marks; a long one loses its middle."""
    visible = _INVISIBLE.sub("", name.encode("utf-8", "replace").decode())
    plain = re.sub(r"[/\\]", "_", visible).strip(" .")
    if len(plain) > _LONGEST:
        plain = plain[: _LONGEST - 30] + plain[-30:]
    return plain or "download"


def attachment_header(file_name: str) -> str:
    """A Content-Disposition that makes browsers save, never show: RFC 6266, with the name of RFC 8187 beside ASCII."""
    name = plain_file_name(file_name)
    fallback = re.sub(r"[^\w .()+,=@-]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_media_type(text: str) -> str:
    """The media type itself, or that of any bytes where it is not well-formed."""
    return text if _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"
