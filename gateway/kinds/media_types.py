"""The grammar of media types, such as `video/webm;codecs="vp8,opus"` (RFC 9110)."""

import re

MAX_MEDIA_TYPE = 255
"""Characters of a media type, its parameters included."""
UNNAMED_TYPE = "application/octet-stream"
"""The media type of content of unknown type."""

_TOKEN = r"[\w!#$%&'*+.^`|~-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*"'
MEDIA_TYPE_PATTERN = rf"(?a:{_TOKEN}/{_TOKEN}(?: ?; ?{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*)"
_MEDIA_TYPE = re.compile(MEDIA_TYPE_PATTERN)


def is_media_type(text: str) -> bool:
    """Return whether a text is a media type, with any parameters, and not too long."""
    return len(text) <= MAX_MEDIA_TYPE and _MEDIA_TYPE.fullmatch(text) is not None
